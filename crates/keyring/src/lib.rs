//! Where secret keys live: in files, in files under a passphrase, in a PKCS#11 token; and their backup.
