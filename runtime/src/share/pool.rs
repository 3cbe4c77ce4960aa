//! Threads for what blocks: reading, hashing, writing.

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

/// Something to do.
pub type Job = Box<dyn FnOnce() + Send>;

/// So many threads, and so many jobs that wait for them at most. Dropping it does what waits, and ends the threads.
#[derive(Debug)]
pub struct Pool {
    desk: Arc<Desk>,
    threads: Vec<JoinHandle<()>>,
}

#[derive(Debug)]
struct Desk {
    waiting: Mutex<Waiting>,
    /// A job waits, or none ever will again.
    changed: Condvar,
    waiting_max: usize,
}

#[derive(Default)]
struct Waiting {
    jobs: VecDeque<Job>,
    is_closed: bool,
}

/// Gives jobs to a pool that somebody else owns.
#[derive(Clone, Debug)]
pub struct Handle(Arc<Desk>);

impl Handle {
    /// As [`Pool::run`].
    ///
    /// # Errors
    /// The job itself if too many wait, or the pool is gone.
    pub fn run(&self, job: Job) -> Result<(), Job> {
        self.0.take(job)
    }
}

impl Pool {
    /// Starts `threads` threads, which are called after `name`.
    ///
    /// # Errors
    /// If the system has no thread left.
    pub fn start(name: &str, threads: usize, waiting_max: usize) -> io::Result<Pool> {
        let desk = Desk { waiting: Mutex::default(), changed: Condvar::new(), waiting_max };
        let mut pool = Pool { desk: Arc::new(desk), threads: Vec::with_capacity(threads) };
        for number in 0..threads {
            let desk = Arc::clone(&pool.desk);
            let work = move || {
                while let Some(job) = desk.next() {
                    job();
                }
            };
            pool.threads.push(thread::Builder::new().name(format!("{name}-{number}")).spawn(work)?);
        }
        Ok(pool)
    }

    /// Has a job done, in the order in which they come. Never waits.
    ///
    /// # Errors
    /// The job itself if too many wait: whoever has it should stop taking in more.
    pub fn run(&self, job: Job) -> Result<(), Job> {
        self.desk.take(job)
    }

    /// For those who have jobs, also jobs that have others: none of them may own the pool, which waits for all.
    #[must_use]
    pub fn handle(&self) -> Handle {
        Handle(Arc::clone(&self.desk))
    }
}

impl Desk {
    fn take(&self, job: Job) -> Result<(), Job> {
        let mut waiting = self.lock();
        if waiting.is_closed || waiting.jobs.len() >= self.waiting_max {
            return Err(job);
        }
        waiting.jobs.push_back(job);
        drop(waiting);
        self.changed.notify_one();
        Ok(())
    }

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

impl Drop for Pool {
    fn drop(&mut self) {
        self.desk.lock().is_closed = true;
        self.desk.changed.notify_all();
        for thread in self.threads.drain(..) {
            // A panic was told when it happened.
            let _ = thread.join();
        }
    }
}

impl fmt::Debug for Waiting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Waiting").field("jobs", &self.jobs.len()).field("is_closed", &self.is_closed).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[test]
    fn jobs_are_done_and_too_many_are_given_back() {
        let pool = Pool::start("test", 1, 2).unwrap();
        let (gate, closed) = mpsc::channel::<()>();
        let (began, beginning) = mpsc::channel();
        let (done, answers) = mpsc::channel();
        let first = move || {
            began.send(()).unwrap();
            closed.recv().unwrap_err();
        };
        assert!(pool.run(Box::new(first)).is_ok());
        beginning.recv().unwrap();
        let job = |n| -> Job {
            let done = done.clone();
            Box::new(move || done.send(n).unwrap())
        };
        assert!(pool.run(job(1)).is_ok() && pool.run(job(2)).is_ok());
        assert!(pool.run(job(3)).is_err(), "one works and two wait");
        drop(gate);
        drop(pool);
        assert_eq!(answers.try_iter().collect::<Vec<_>>(), [1, 2]);
    }
}
