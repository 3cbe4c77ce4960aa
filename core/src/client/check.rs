//! What must hold between two steps.

use super::Client;

impl Client {
    /// Asserts every invariant of the machine.
    ///
    /// # Panics
    /// If one does not hold: a bug in this module.
    pub fn check(&self) {
        self.link.silence.check(self.now);
        self.state.check(self.now);
        let pending = self.deadline().is_some();
        assert!(pending || !self.wants_line(), "a client that is over waits for nothing");
    }
}
