//! What a process took of the machine, as Linux counts it (proc(5)).

use crate::Error;

/// What a process took so far.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Figures {
    /// Seconds of processor time, user and system, of all its threads.
    pub cpu_seconds: f64,
    /// Bytes of memory that it holds now.
    pub resident: u64,
    /// Most bytes of memory that it ever held.
    pub peak_resident: u64,
}

/// Reads what a process took so far. The process id 0 is this process.
///
/// # Errors
/// There is no such process, or this is not Linux.
pub fn figures(pid: u32) -> Result<Figures, Error> {
    let folder = if pid == 0 { "/proc/self".to_owned() } else { format!("/proc/{pid}") };
    let read = |name: &str| {
        let path = format!("{folder}/{name}");
        std::fs::read_to_string(&path).map_err(Error::io(path))
    };
    let (stat, status) = (read("stat")?, read("status")?);
    let cpu_seconds = cpu_seconds(&stat).ok_or_else(|| Error::malformed(format!("{folder}/stat"), "no times"))?;
    // A process that has ended and is not yet reaped has no memory.
    let resident = kibibytes(&status, "VmRSS:").unwrap_or(0);
    Ok(Figures { cpu_seconds, resident, peak_resident: kibibytes(&status, "VmHWM:").unwrap_or(0) })
}

fn cpu_seconds(stat: &str) -> Option<f64> {
    // The command's name, in parentheses, may hold anything; what follows it does not.
    let (_, fields) = stat.rsplit_once(") ")?;
    let mut times = fields.split(' ').skip(FIELDS_BEFORE_TIMES).map(str::parse::<u64>);
    let (user, system) = (times.next()?.ok()?, times.next()?.ok()?);
    Some((user + system) as f64 / TICKS_A_SECOND)
}

fn kibibytes(status: &str, name: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.trim().strip_suffix(" kB")?.parse::<u64>().ok().map(|number| number * 1024)
}

/// `state` is the first after the name, `utime` the twelfth.
const FIELDS_BEFORE_TIMES: usize = 11;
/// `USER_HZ`: 100 on every architecture that we build for.
const TICKS_A_SECOND: f64 = 100.0;

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn times_are_found_whatever_the_process_is_called() {
        let stat = "7 (a) b (c) S 1 7 7 0 -1 4194560 1 0 0 0 150 50 0 0 20 0 1 0 1 1 1";
        assert_eq!(cpu_seconds(stat), Some(2.0));
        assert_eq!(cpu_seconds("7 (a"), None);
    }

    #[test]
    fn this_process_takes_memory() {
        let figures = figures(0).unwrap();
        assert!(figures.resident > 0 && figures.peak_resident >= figures.resident);
    }
}
