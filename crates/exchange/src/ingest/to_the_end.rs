//! A change is durable a moment before the memory of the node shows it. Whoever asked for it may hang up in that moment:
//! its future is dropped, and the memory would be wrong until the next start. So a change that has begun is never dropped.

use std::pin::Pin;
use std::task::{Context, Poll};

use futures::future::BoxFuture;
use tokio::runtime::Handle;
use tokio_util::task::TaskTracker;

use crate::Exchange;

/// A change that has begun. Dropped before its end, it goes on as a task of the exchange.
struct ToTheEnd<T: Send + 'static> {
    /// Missing once it has ended, or panicked.
    rest: Option<BoxFuture<'static, T>>,
    tasks: TaskTracker,
    runtime: Handle,
}

impl Exchange {
    /// Runs `change` to its end, whatever becomes of the caller. A stop of the exchange waits for it.
    pub(crate) async fn to_the_end<T: Send + 'static>(&self, change: impl Future<Output = T> + Send + 'static) -> T {
        ToTheEnd { rest: Some(Box::pin(change)), tasks: self.tasks.clone(), runtime: Handle::current() }.await
    }
}

impl<T: Send + 'static> Future for ToTheEnd<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        let mut rest = self.rest.take().expect("an await polls nothing that has ended");
        let polled = rest.as_mut().poll(context);
        if polled.is_pending() {
            self.rest = Some(rest);
        }
        polled
    }
}

impl<T: Send + 'static> Drop for ToTheEnd<T> {
    fn drop(&mut self) {
        if let Some(rest) = self.rest.take() {
            self.tasks.spawn_on(rest, &self.runtime);
        }
    }
}
