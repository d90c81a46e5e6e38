//! Real handshakes over loopback, against the listeners and the dialer that a node runs.

#[cfg(test)]
mod accepting;
#[cfg(test)]
mod authorities;
#[cfg(test)]
mod bounds;
#[cfg(test)]
mod desk;
#[cfg(test)]
mod dialing;
#[cfg(test)]
mod support;
#[cfg(test)]
mod turning;
