//! Who may come in.

pub mod credentials;
pub mod devices;
pub mod lockout;
