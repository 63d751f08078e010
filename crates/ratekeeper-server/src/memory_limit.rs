//! The most memory that the process can have: of its control group, or else of the machine.

use std::fs;

/// In bytes; `None` where the system does not tell.
pub(crate) fn memory_limit() -> Option<u64> {
    told(|path| fs::read_to_string(path).ok())
}

/// The least of all bounds that stand above this process.
fn told(read: impl Fn(&str) -> Option<String>) -> Option<u64> {
    let total = read("/proc/meminfo").and_then(|text| {
        let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
        line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
    });
    // Of the first version, as a container sees its own.
    let mut files = vec!["/sys/fs/cgroup/memory/memory.limit_in_bytes".to_owned()];
    let group = read("/proc/self/cgroup").unwrap_or_default();
    let group = group
        .lines()
        .find_map(|line| line.strip_prefix("0::"))
        .unwrap_or("/")
        .trim_end_matches('/');
    for (end, _) in group.match_indices('/').chain([(group.len(), "")]) {
        files.push(format!("/sys/fs/cgroup{}/memory.max", &group[..end]));
    }
    // What is not bounded says `max`, or a number that no machine has.
    let bounds = files.iter().filter_map(|file| read(file)?.trim().parse::<u64>().ok());
    bounds.chain(total).min()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(files: &[(&str, &str)], expected: Option<u64>) {
        let read =
            |path: &str| files.iter().find(|(name, _)| *name == path).map(|(_, text)| (*text).to_owned());
        assert_eq!(told(read), expected);
    }

    const MACHINE: (&str, &str) = ("/proc/meminfo", "MemTotal:       2048 kB\nMemFree: 5 kB\n");

    #[test]
    fn the_tightest_bound_counts() {
        check(&[], None);
        check(&[MACHINE], Some(2 << 20));
        let group = ("/proc/self/cgroup", "0::/system.slice/ratekeeper.service\n");
        let own = "/sys/fs/cgroup/system.slice/ratekeeper.service/memory.max";
        check(&[MACHINE, group, (own, "max\n")], Some(2 << 20));
        check(&[MACHINE, group, (own, "1048576\n")], Some(1 << 20));
        check(
            &[
                MACHINE,
                group,
                ("/sys/fs/cgroup/system.slice/memory.max", "4096\n"),
                (own, "8192\n"),
            ],
            Some(4096),
        );
        check(&[MACHINE, ("/sys/fs/cgroup/memory.max", "4096\n")], Some(4096));
        let first = "/sys/fs/cgroup/memory/memory.limit_in_bytes";
        check(&[MACHINE, (first, "9223372036854771712\n")], Some(2 << 20));
        check(&[MACHINE, (first, "1000\n")], Some(1000));
    }
}
