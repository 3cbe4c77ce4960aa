//! The scenarios, a file each.

mod direct;
mod fanout;
mod idle;
mod login;
mod offline;
mod paced;
mod ramp;
pub(crate) mod swarm;
mod talk;
mod threats;

use super::args::Scenario;
use super::bed::Bed;
use super::error::Error;
use super::report::Figures;

/// Runs a scenario.
///
/// # Errors
/// If there is nothing to report.
pub(crate) fn run(scenario: &Scenario, bed: &mut Bed) -> Result<Figures, Error> {
    match scenario {
        Scenario::Fanout(fanout) => fanout::run(fanout, bed),
        Scenario::Direct(direct) => direct::run(direct, bed),
        Scenario::Offline(offline) => offline::run(offline, bed),
        Scenario::Idle(idle) => idle::run(idle, bed),
        Scenario::Login(login) => login::run(login, bed),
        Scenario::Ramp(ramp) => ramp::run(ramp, bed),
        Scenario::Threats(threats) => threats::run(&threats.threat, bed),
        Scenario::Swarm(_) | Scenario::Folder(_) | Scenario::Serve(_) => {
            unreachable!("they use no server that is found here")
        }
    }
}
