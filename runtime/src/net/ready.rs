//! Who has something to do: a list that wakers push themselves onto.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Wake, Waker};

/// Whom a waker stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Who {
    /// The connection in this slot.
    Slot(u32),
    /// The listening sockets.
    Doors,
    /// Other threads.
    Inbox,
}

/// What was woken besides connections.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sources {
    /// Somebody may wait to be accepted.
    pub(crate) doors: bool,
    /// Another thread left a note.
    pub(crate) inbox: bool,
}

/// Whoever was woken since they were last collected, and the task that collects them.
///
/// Waking costs a push, and wakes the task only if there was nothing to collect: a turn is one wake-up,
/// however many connections it serves.
#[derive(Debug, Default)]
pub(crate) struct ReadyList(Mutex<Woken>);

#[derive(Debug, Default)]
struct Woken {
    slots: Vec<u32>,
    sources: Sources,
    rung: bool,
    task: Option<Waker>,
}

impl ReadyList {
    /// Notes that there is something to do, and wakes the task.
    pub(crate) fn push(&self, who: Who) {
        let mut woken = self.lock();
        match who {
            Who::Slot(slot) => woken.slots.push(slot),
            Who::Doors => woken.sources.doors = true,
            Who::Inbox => woken.sources.inbox = true,
        }
        if !woken.rung {
            woken.rung = true;
            if let Some(task) = &woken.task {
                task.wake_by_ref();
            }
        }
    }

    /// Moves the woken slots to the end of `slots` and returns the woken sources; later ones wake `task`.
    pub(crate) fn collect(&self, slots: &mut VecDeque<u32>, task: &Waker) -> Sources {
        let mut woken = self.lock();
        slots.extend(woken.slots.drain(..));
        woken.rung = false;
        match &mut woken.task {
            Some(known) => known.clone_from(task),
            none => *none = Some(task.clone()),
        }
        std::mem::take(&mut woken.sources)
    }

    /// A waker that pushes `who`.
    pub(crate) fn waker(self: &Arc<Self>, who: Who) -> Waker {
        Waker::from(Arc::new(Bell { list: Arc::clone(self), who }))
    }

    fn lock(&self) -> MutexGuard<'_, Woken> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Bell {
    list: Arc<ReadyList>,
    who: Who,
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.list.push(self.who);
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.list.push(self.who);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_woken_is_collected_once() {
        let list = Arc::new(ReadyList::default());
        list.waker(Who::Slot(3)).wake();
        list.waker(Who::Inbox).wake_by_ref();
        list.waker(Who::Slot(1)).wake();
        let mut slots = VecDeque::from([7]);
        let sources = list.collect(&mut slots, Waker::noop());
        assert_eq!(slots, [7, 3, 1]);
        assert_eq!(sources, Sources { doors: false, inbox: true });
        slots.clear();
        assert_eq!(list.collect(&mut slots, Waker::noop()), Sources::default());
        assert!(slots.is_empty());
    }
}
