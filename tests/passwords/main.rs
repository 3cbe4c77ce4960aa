//! Passwords at rest: how the program `server` keeps, changes and takes over the credentials.

mod commands;
mod hashing;
mod place;
mod serving;
