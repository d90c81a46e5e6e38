//! What the tests share: a screen that can be read, dice that can be repeated, and a desk on a Unix socket that replies
//! as it was told to.

pub(crate) mod descriptors;
mod desk;
mod entropy;
mod screen;
mod words;

pub(crate) use desk::{FakeDesk, Running};
pub(crate) use entropy::Counted;
pub(crate) use screen::{Said, captured};
pub(crate) use words::words;
