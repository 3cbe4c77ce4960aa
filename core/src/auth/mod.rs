//! Who may come in.

pub mod credentials;
pub mod lockout;
