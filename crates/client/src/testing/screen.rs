//! Screens whose output a test can read.

use std::io::{Cursor, Write};
use std::sync::{Arc, Mutex};

use crate::screen::{Outlet, Screen};

/// What has been printed so far.
pub(crate) struct Said {
    data: Buffer,
    talk: Buffer,
}

impl Said {
    pub(crate) fn data(&self) -> String {
        self.data.text()
    }

    pub(crate) fn talk(&self) -> String {
        self.talk.text()
    }
}

#[derive(Clone, Default)]
struct Buffer(Arc<Mutex<Vec<u8>>>);

impl Buffer {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }

    fn outlet(&self) -> Outlet {
        Outlet { to: Box::new(self.clone()), is_terminal: false, colour: false }
    }
}

impl Write for Buffer {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// A screen that keeps what is printed. `answers` are what a person at a terminal types; `None`: nobody is there.
pub(crate) fn captured(answers: Option<&str>) -> (Screen, Said) {
    let said = Said { data: Buffer::default(), talk: Buffer::default() };
    let typed = Cursor::new(answers.unwrap_or_default().as_bytes().to_vec());
    let screen = Screen::on(said.data.outlet(), said.talk.outlet(), Box::new(typed), answers.is_some(), 200);
    (screen, said)
}
