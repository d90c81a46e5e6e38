//! What the tests share: a screen that can be read, and a desk on a Unix socket that replies as it was told to.

mod desk;
mod screen;

pub(crate) use desk::{FakeDesk, Running};
pub(crate) use screen::{Said, captured};
