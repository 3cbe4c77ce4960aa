//! What a connection is to do, on its way from the loop to its task, and how much of it may wait.
//!
//! The loop never waits, so what somebody does not read piles up here. Nobody who keeps to the protocol lets much do so:
//! he asks for one list of hashes at a time, and what a person says to him is bounded by the commands under way. Of
//! whom more waits than that many times over does not read, and his connection is given up. So is one that this side has
//! closed, if what it was given before does not leave in time: nobody else would end it.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use starling_core::wire::Frame;
use tokio::sync::mpsc::{self, error::TryRecvError};
use tokio::sync::watch;
use tokio::time::sleep;

use super::source::Source;

/// Bytes of frames that may wait for one connection.
const BYTES_MAX: usize = 4 * 1024 * 1024;
/// Orders that may wait for one connection.
const ORDERS_MAX: usize = 65_536;
/// How long what was ordered before the end may take to leave.
const CLOSING_MAX: Duration = Duration::from_secs(30);

/// What a connection is to do.
pub(super) enum Order {
    Frame(Frame),
    Upload(u32, Source),
    Stop(u32),
}

impl Order {
    /// Bytes that wait with it.
    fn bytes(&self) -> usize {
        match self {
            Order::Frame(frame) => frame.len(),
            Order::Upload(..) | Order::Stop(_) => 0,
        }
    }
}

/// What waits for one connection.
#[derive(Debug, Default)]
struct Waiting {
    bytes: AtomicUsize,
    orders: AtomicUsize,
}

/// Where orders are given. Dropped, it says that no more will be.
#[derive(Debug)]
pub(super) struct Giver {
    orders: mpsc::UnboundedSender<Order>,
    waiting: Arc<Waiting>,
    is_too_much: watch::Sender<bool>,
}

/// Where orders are taken.
pub(super) struct Taker {
    orders: mpsc::UnboundedReceiver<Order>,
    waiting: Arc<Waiting>,
    is_too_much: watch::Receiver<bool>,
}

/// For one connection.
pub(super) fn channel() -> (Giver, Taker) {
    let (sender, receiver) = mpsc::unbounded_channel();
    let (tell, told) = watch::channel(false);
    let waiting = Arc::new(Waiting::default());
    let giver = Giver { orders: sender, waiting: Arc::clone(&waiting), is_too_much: tell };
    (giver, Taker { orders: receiver, waiting, is_too_much: told })
}

impl Giver {
    /// Gives an order. Never waits: if too much does, the connection is given up, and this and all later ones are lost.
    pub(super) fn give(&self, order: Order) {
        if *self.is_too_much.borrow() {
            return;
        }
        let bytes = order.bytes();
        let all_bytes = self.waiting.bytes.fetch_add(bytes, Ordering::Relaxed) + bytes;
        let all_orders = self.waiting.orders.fetch_add(1, Ordering::Relaxed) + 1;
        if all_bytes > BYTES_MAX || all_orders > ORDERS_MAX {
            self.is_too_much.send_replace(true);
        } else {
            // A task that has ended has told so, or will.
            let _ = self.orders.send(order);
        }
    }
}

impl Taker {
    /// The next order; nothing once there will be none.
    pub(super) async fn next(&mut self) -> Option<Order> {
        let order = self.orders.recv().await?;
        self.took(&order);
        Some(order)
    }

    /// The next order, if one waits.
    ///
    /// # Errors
    /// None does, or ever will.
    pub(super) fn try_next(&mut self) -> Result<Order, TryRecvError> {
        let order = self.orders.try_recv()?;
        self.took(&order);
        Ok(order)
    }

    fn took(&self, order: &Order) {
        self.waiting.bytes.fetch_sub(order.bytes(), Ordering::Relaxed);
        self.waiting.orders.fetch_sub(1, Ordering::Relaxed);
    }

    /// Waits until the connection is to be given up: too much waits, or what was ordered before the end did so too long.
    pub(super) fn given_up(&self) -> impl Future<Output = ()> + use<> {
        let mut is_too_much = self.is_too_much.clone();
        async move {
            if is_too_much.wait_for(|is| *is).await.is_err() {
                sleep(CLOSING_MAX).await;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use starling_core::text::Text;
    use starling_core::wire::PeerFrame;
    use tokio::time::timeout;

    use super::*;

    const MOMENT: Duration = Duration::from_secs(1);

    fn is_open(orders: &Taker) -> bool {
        !*orders.is_too_much.borrow()
    }

    #[tokio::test(start_paused = true)]
    async fn neither_many_orders_nor_long_ones_wait() {
        let frame = Frame::ping(1);
        let (give, mut orders) = channel();
        for _ in 0..3 {
            (0..ORDERS_MAX).for_each(|_| give.give(Order::Frame(frame.clone())));
            assert!(is_open(&orders));
            (0..ORDERS_MAX).for_each(|_| assert!(orders.try_next().is_ok()));
        }
        assert!(orders.try_next().is_err());
        assert!(timeout(MOMENT, orders.given_up()).await.is_err(), "nothing waits");
        (0..=ORDERS_MAX).for_each(|_| give.give(Order::Stop(1)));
        orders.given_up().await;
        // Also if what waits is taken after all.
        (0..ORDERS_MAX).for_each(|_| assert!(orders.try_next().is_ok()));
        give.give(Order::Frame(frame));
        assert!(orders.try_next().is_err());
        drop(give);
        orders.given_up().await;

        let (give, mut orders) = channel();
        let text = Text::parse(vec![b'x'; 16 * 1024].into()).expect("a text");
        let frame = PeerFrame::Whisper { text }.frame();
        (0..BYTES_MAX / frame.len()).for_each(|_| give.give(Order::Frame(frame.clone())));
        assert!(is_open(&orders));
        assert!(orders.next().await.is_some());
        give.give(Order::Frame(frame.clone()));
        assert!(is_open(&orders));
        give.give(Order::Frame(frame));
        orders.given_up().await;
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_ordered_before_the_end_has_some_time() {
        let (give, mut orders) = channel();
        give.give(Order::Stop(1));
        assert!(timeout(2 * CLOSING_MAX, orders.given_up()).await.is_err(), "before the end it may wait");
        drop(give);
        assert!(timeout(CLOSING_MAX - MOMENT, orders.given_up()).await.is_err());
        assert!(orders.next().await.is_some() && orders.next().await.is_none());
        orders.given_up().await;
    }
}
