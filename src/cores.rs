//! The queue for work that keeps a core busy: hashing, pictures. Such work would starve the async workers, and a storm of it
//! would take all memory.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::Semaphore;

use crate::error::{Error, Result};

/// Runs work off the async workers, one piece a core at a time; a bounded number waits.
pub struct Cores {
    free: Arc<Semaphore>,
    most: usize,
    taken: AtomicUsize,
}

impl Cores {
    /// A queue for so many cores (one at least), with room for `most` pieces of work, those running among them.
    #[must_use]
    pub fn new(cores: usize, most: usize) -> Self {
        Self {
            free: Arc::new(Semaphore::new(cores.max(1))),
            most,
            taken: AtomicUsize::new(0),
        }
    }

    /// Runs `work` on a thread of its own as soon as a core is free, and answers what it does.
    ///
    /// # Errors
    /// [`Error::Busy`] if the queue is full, [`Error::ShuttingDown`] at the end of the runtime, [`Error::Internal`] if the work
    /// panicked, and for nothing else.
    pub async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T> {
        let _place = Place::take(self).ok_or(Error::Busy)?;
        let core = self
            .free
            .clone()
            .acquire_owned()
            .await
            .map_err(|_| Error::ShuttingDown)?;
        let task = tokio::task::spawn_blocking(move || {
            // The work goes on when the client has gone, and the core is taken for as long.
            let _core = core;
            work()
        });
        task.await.map_err(|error| {
            if error.is_panic() {
                Error::Internal(format!("work on a core: {error}"))
            } else {
                Error::ShuttingDown
            }
        })
    }
}

/// A place in the queue, given back when the work is done or the client has gone.
struct Place<'q>(&'q AtomicUsize);

impl<'q> Place<'q> {
    fn take(queue: &'q Cores) -> Option<Self> {
        let place = Self(&queue.taken);
        (queue.taken.fetch_add(1, Ordering::Relaxed) < queue.most).then_some(place)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::pin::pin;
    use std::sync::mpsc;
    use std::task::Poll;

    use super::*;

    #[tokio::test]
    async fn a_full_queue_is_busy_and_a_place_is_given_back() {
        let cores = Cores::new(1, 3);
        let places: Vec<_> = (0..3).map_while(|_| Place::take(&cores)).collect();
        assert_eq!(places.len(), 3);
        assert_eq!(cores.run(|| 1).await, Err(Error::Busy));
        drop(places);
        assert_eq!(cores.run(|| 1).await, Ok(1));
    }

    #[tokio::test]
    async fn a_core_is_taken_until_the_work_is_done_even_if_nobody_waits_for_it() {
        let cores = Cores::new(1, 2);
        let (finish, finished) = mpsc::channel::<()>();
        {
            let mut gone = pin!(cores.run(move || finished.recv()));
            // Until the work runs, and then nobody is there any more.
            poll_fn(|context| {
                assert!(gone.as_mut().poll(context).is_pending());
                Poll::Ready(())
            })
            .await;
        }
        assert_eq!(cores.free.available_permits(), 0);
        drop(finish);
        assert_eq!(cores.run(|| 1).await, Ok(1));
        assert_eq!(cores.free.available_permits(), 1);
    }

    #[tokio::test]
    async fn work_that_panics_is_an_error_and_frees_its_core() {
        let cores = Cores::new(1, 1);
        let panicked = cores.run(|| panic!("on purpose")).await;
        assert!(matches!(panicked, Err::<(), _>(Error::Internal(_))));
        assert_eq!(cores.run(|| 1).await, Ok(1));
    }
}
