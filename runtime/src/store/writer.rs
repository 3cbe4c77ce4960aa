//! The one thread that writes.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::{self, JoinHandle};

use starling_core::id::{Ticket, UserId};
use starling_core::name::Name;
use starling_core::server::{Input, PageOrder};
use starling_core::store::{Batch, BatchKey, StoreOutcome, StoredLetter};

use super::error::StoreError;
use super::sqlite::{Moment, Store};

/// Orders that may wait. One batch at most is among them; the others are pages.
pub const ORDERS_MAX: usize = 1024;

/// What the store is asked to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Order {
    /// Commit a batch.
    Store {
        /// What.
        batch: Batch,
        /// When it was ordered: what the ends of locks are counted from.
        at: Moment,
    },
    /// Read a page.
    Load(PageOrder),
    /// Number the users of changed credentials.
    Assign(Vec<Name>),
}

/// What became of an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// To [`Order::Store`].
    Stored {
        /// The key of the batch.
        key: BatchKey,
        /// What became of it.
        outcome: StoreOutcome,
    },
    /// To [`Order::Load`].
    Loaded {
        /// Whose mailbox.
        user: UserId,
        /// The number of the order.
        ticket: Ticket,
        /// The letters, or nothing if they could not be read.
        letters: Option<Vec<StoredLetter>>,
    },
    /// To [`Order::Assign`]: the users and their numbers.
    Assigned(Vec<(UserId, Name)>),
    /// To [`Order::Assign`]: why the new users could not be numbered. The old ones stay.
    NotAssigned(String),
    /// Comes at any time, instead of the answer that is due, and is the last one: why nothing can be promised any
    /// more. The process must end at once, without an acknowledgement to anybody.
    Broken(String),
}

impl Answer {
    /// The answer as a fact for the server machine.
    ///
    /// # Errors
    /// Gives an answer back that only the driver can act upon ([`NotAssigned`](Answer::NotAssigned),
    /// [`Broken`](Answer::Broken)).
    pub fn into_input(self) -> Result<Input, Answer> {
        match self {
            Answer::Stored { key, outcome } => Ok(Input::Stored { key, outcome }),
            Answer::Loaded { user, ticket, letters } => Ok(Input::Loaded { user, ticket, letters }),
            Answer::Assigned(users) => Ok(Input::Users { users }),
            Answer::NotAssigned(_) | Answer::Broken(_) => Err(self),
        }
    }
}

/// The handle of the thread that owns a [`Store`]. When it is dropped, the thread carries out what was
/// ordered, and the store is closed.
#[derive(Debug)]
pub struct Writer {
    orders: Option<SyncSender<Order>>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    /// Moves the store to a thread of its own. Each order is answered once, in order, by a call of
    /// `answer` on that thread; it must not block.
    ///
    /// # Errors
    /// If the system does not give a thread.
    pub fn spawn(store: Store, answer: impl FnMut(Answer) + Send + 'static) -> io::Result<Writer> {
        let (orders, queue) = sync_channel(ORDERS_MAX);
        let thread =
            thread::Builder::new().name("store".to_owned()).spawn(move || serve(store, queue, answer))?;
        Ok(Writer { orders: Some(orders), thread: Some(thread) })
    }

    /// Hands an order to the thread. Never blocks.
    ///
    /// # Errors
    /// The answer, if the order is refused because too many wait or the store is broken.
    pub fn order(&self, order: Order) -> Result<(), Answer> {
        let orders = self.orders.as_ref().expect("the sender is there until drop");
        orders.try_send(order).map_err(|refused| match refused {
            TrySendError::Full(order) => refuse(order, "too many orders wait"),
            TrySendError::Disconnected(order) => refuse(order, "the store is closed"),
        })
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.orders = None;
        if let Some(thread) = self.thread.take() {
            // A panic of the thread was answered with `Broken`.
            let _ = thread.join();
        }
    }
}

fn refuse(order: Order, why: &str) -> Answer {
    match order {
        Order::Store { batch, .. } => Answer::Stored { key: batch.key, outcome: StoreOutcome::Failed },
        Order::Load(page) => Answer::Loaded { user: page.user, ticket: page.ticket, letters: None },
        Order::Assign(_) => Answer::NotAssigned(why.to_owned()),
    }
}

/// A panic is a bug, and leaves the server waiting for an answer for ever if it is not told.
fn serve(store: Store, queue: Receiver<Order>, mut answer: impl FnMut(Answer)) {
    let worked = catch_unwind(AssertUnwindSafe(|| work(store, queue, &mut answer)));
    match worked {
        Ok(Ok(())) => {}
        Ok(Err(why)) => answer(Answer::Broken(why)),
        Err(_) => answer(Answer::Broken("the store thread panicked".to_owned())),
    }
}

/// Until nobody can order any more, or the store is broken. The queue ends before the last answer is given,
/// so no order is taken after it.
fn work(mut store: Store, queue: Receiver<Order>, answer: &mut impl FnMut(Answer)) -> Result<(), String> {
    let mut health = Health::default();
    while let Ok(order) = queue.recv() {
        answer(carry_out(&mut store, order, &mut health)?);
        store.tidy().map_err(|broken| broken.to_string())?;
    }
    Ok(())
}

fn carry_out(store: &mut Store, order: Order, health: &mut Health) -> Result<Answer, String> {
    match order {
        Order::Store { batch, at } => {
            let outcome = match unless_broken(store.commit(&batch, at), &mut health.writing)? {
                Ok(()) => StoreOutcome::Committed,
                Err(StoreError::Unknown(_)) => StoreOutcome::Unknown,
                Err(_) => StoreOutcome::Failed,
            };
            Ok(Answer::Stored { key: batch.key, outcome })
        }
        Order::Load(page) => {
            let letters = unless_broken(store.load(&page), &mut health.reading)?.ok();
            Ok(Answer::Loaded { user: page.user, ticket: page.ticket, letters })
        }
        Order::Assign(names) => Ok(match unless_broken(store.assign(&names), &mut health.writing)? {
            Ok(users) => Answer::Assigned(users),
            Err(e) => Answer::NotAssigned(e.to_string()),
        }),
    }
}

/// Takes out the one error after which nothing goes on.
fn unless_broken<T>(
    result: Result<T, StoreError>,
    works: &mut Works,
) -> Result<Result<T, StoreError>, String> {
    works.note(result.as_ref().err());
    match result {
        Err(StoreError::Broken(why)) => Err(why),
        other => Ok(other),
    }
}

/// What worked the last time it was tried. On a full disk letters can still be read.
#[derive(Debug, Default)]
struct Health {
    reading: Works,
    writing: Works,
}

/// A line is logged when something stops working and when it works again, not at each attempt.
#[derive(Debug, Default)]
struct Works {
    failed: bool,
}

impl Works {
    fn note(&mut self, error: Option<&StoreError>) {
        match error {
            Some(why) if !self.failed => tracing::error!(%why, "the store fails; what needs it must wait"),
            None if self.failed => tracing::info!("the store works again"),
            _ => {}
        }
        self.failed = error.is_some();
    }
}
