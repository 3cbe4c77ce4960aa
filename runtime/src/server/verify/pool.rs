//! The threads that hash: as many as there are cores, however many attempts wait.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use super::{Attempt, Passwords};
use crate::server::inbox::{Inbox, Note};
use crate::server::verify::hashed::Hasher;

/// Threads that check passwords and leave their answers in an inbox. Dropping it ends them: whatever
/// still waits is not looked at any more.
///
/// It takes whatever it is given: how many may wait is the machine's to say.
#[derive(Debug)]
pub(super) struct Pool {
    desk: Arc<Desk>,
    threads: Vec<JoinHandle<()>>,
}

/// Where attempts wait for a thread.
#[derive(Debug, Default)]
struct Desk {
    waiting: Mutex<Waiting>,
    /// Somebody waits, or nobody ever will again.
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Waiting {
    jobs: VecDeque<Job>,
    is_closed: bool,
}

/// An attempt, and what it is checked against: the passwords of the moment in which it was made.
#[derive(Debug)]
struct Job {
    attempt: Attempt,
    passwords: Arc<Passwords>,
}

impl Pool {
    /// As many threads as there are cores.
    ///
    /// # Errors
    /// If the system has no thread left.
    pub(super) fn start(answers: &Arc<Inbox>) -> io::Result<Pool> {
        let count = thread::available_parallelism().map_or(1, usize::from);
        let mut pool = Pool { desk: Arc::default(), threads: Vec::with_capacity(count) };
        for number in 0..count {
            let (desk, answers) = (Arc::clone(&pool.desk), Arc::clone(answers));
            let thread = thread::Builder::new().name(format!("verify-{number}"));
            pool.threads.push(thread.spawn(move || work(&desk, &answers))?);
        }
        Ok(pool)
    }

    /// Takes an attempt; its answer will be in the inbox.
    pub(super) fn check(&self, attempt: Attempt, passwords: &Arc<Passwords>) {
        let job = Job { attempt, passwords: Arc::clone(passwords) };
        self.desk.lock().jobs.push_back(job);
        self.desk.changed.notify_one();
    }
}

impl Desk {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for the oldest job; nothing once there will be none.
    fn next(&self) -> Option<Job> {
        let idle = |waiting: &mut Waiting| waiting.jobs.is_empty() && !waiting.is_closed;
        let waiting = self.changed.wait_while(self.lock(), idle);
        waiting.unwrap_or_else(PoisonError::into_inner).jobs.pop_front()
    }
}

fn work(desk: &Desk, answers: &Inbox) {
    let mut hasher = Hasher::default();
    while let Some(Job { attempt, passwords }) = desk.next() {
        let Attempt { account, ticket, name, password } = attempt;
        let right = passwords.is_right(&name, &password, &mut hasher);
        answers.push(Note::Verified { account, ticket, right });
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        let mut waiting = self.desk.lock();
        waiting.is_closed = true;
        waiting.jobs.clear();
        drop(waiting);
        self.desk.changed.notify_all();
        for thread in self.threads.drain(..) {
            // A panic was told when it happened.
            let _ = thread.join();
        }
    }
}
