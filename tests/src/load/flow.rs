//! Which message follows when one has arrived.

use std::ops::Range;

/// Messages by number, so many under way: when one has all its copies delivered, the one that is `under_way`
/// later is sent. So a number says also whose it is: numbers that are equal modulo a divisor of `under_way`
/// form one chain.
#[derive(Clone, Debug)]
pub(crate) struct Flow {
    /// Copies that have not arrived, by message.
    missing: Vec<u32>,
    under_way: usize,
    over: usize,
    delivered: u64,
}

impl Flow {
    /// `messages` messages that are delivered `copies` times each.
    pub(crate) fn new(messages: usize, under_way: usize, copies: u32) -> Flow {
        Flow { missing: vec![copies; messages], under_way: under_way.min(messages), over: 0, delivered: 0 }
    }

    /// Those that are sent first.
    pub(crate) fn first(&self) -> Range<usize> {
        0..self.under_way
    }

    /// A copy has arrived: the message that is to be sent now, if there is one. `Err` if it is one copy too
    /// many, or of no message.
    pub(crate) fn arrived(&mut self, number: usize) -> Result<Option<usize>, Unexpected> {
        let missing = self.missing.get_mut(number).filter(|missing| **missing > 0).ok_or(Unexpected)?;
        *missing -= 1;
        self.delivered += 1;
        if *missing > 0 {
            return Ok(None);
        }
        self.over += 1;
        Ok(Some(number + self.under_way).filter(|next| *next < self.missing.len()))
    }

    /// Whether all have arrived.
    pub(crate) fn is_over(&self) -> bool {
        self.over == self.missing.len()
    }

    /// Copies that have arrived.
    pub(crate) fn delivered(&self) -> u64 {
        self.delivered
    }
}

/// Something arrived that was not under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Unexpected;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_goes_when_the_last_copy_has_come() {
        let mut flow = Flow::new(3, 1, 2);
        assert_eq!(flow.first(), 0..1);
        assert_eq!(flow.arrived(0), Ok(None));
        assert_eq!(flow.arrived(0), Ok(Some(1)));
        assert_eq!(flow.arrived(0), Err(Unexpected));
        for number in [1, 1, 2] {
            assert!(flow.arrived(number).is_ok());
        }
        assert!(!flow.is_over());
        assert_eq!(flow.arrived(2), Ok(None));
        assert!(flow.is_over());
        assert_eq!(flow.delivered(), 6);
        assert_eq!(flow.arrived(3), Err(Unexpected));
    }

    #[test]
    fn every_message_is_sent_once_whatever_the_order() {
        let mut flow = Flow::new(10, 4, 1);
        let mut sent: Vec<usize> = flow.first().collect();
        let mut at = 0;
        while at < sent.len() {
            // The youngest of the chain that is furthest behind is as good as any: chains are independent.
            let next = flow.arrived(sent[at]).expect("it is under way");
            sent.extend(next);
            at += 1;
        }
        assert!(flow.is_over());
        sent.sort_unstable();
        assert!(sent.into_iter().eq(0..10));
    }

    #[test]
    fn fewer_messages_than_may_be_under_way() {
        let mut flow = Flow::new(2, 8, 1);
        assert_eq!(flow.first(), 0..2);
        assert_eq!((flow.arrived(1), flow.arrived(0)), (Ok(None), Ok(None)));
        assert!(flow.is_over());
    }
}
