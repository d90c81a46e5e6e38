//! The same promises wherever keys live: in plain files, in files under a passphrase, under a credential of the service
//! manager, in a token.

#[cfg(test)]
mod backup;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod files;
#[cfg(test)]
mod kit;
#[cfg(test)]
mod promises;
#[cfg(test)]
mod token;
