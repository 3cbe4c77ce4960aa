//! The client machine.
pub mod action;
pub mod event;
pub mod view;
