//! Channel names, and patterns over them: `/a/*` is one segment more, `/a/**` one or more.

/// What a session subscribed, as it wrote it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pattern(pub(super) String);

/// Why a name is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wrong {
    /// The server says so.
    Invalid,
    /// The server stumbles over it, and fails the whole request.
    Violation,
}

impl Pattern {
    pub(super) fn matches(&self, channel: &str) -> bool {
        if let Some(stem) = self.0.strip_suffix("**") {
            return channel.strip_prefix(stem).is_some_and(|rest| !rest.is_empty());
        }
        if let Some(stem) = self.0.strip_suffix("/*") {
            let rest = channel.strip_prefix(stem).and_then(|rest| rest.strip_prefix('/'));
            return rest.is_some_and(|rest| !rest.is_empty() && !rest.contains('/'));
        }
        self.0 == channel
    }

    pub(super) fn is_wild(&self) -> bool {
        self.0.ends_with("/*") || self.0.ends_with("/**")
    }
}

/// Checks a channel's name, with or without a wildcard at its end.
pub(super) fn check(name: &str) -> Result<(), Wrong> {
    let Some(path) = name.strip_prefix('/').filter(|path| !path.is_empty()) else { return Err(Wrong::Invalid) };
    if !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b" !#$()*+-./@_{}~".contains(&byte)) {
        return Err(Wrong::Invalid);
    }
    let mut segments = path.strip_suffix('/').unwrap_or(path).split('/').rev();
    let last = segments.next().unwrap_or_default();
    if last.is_empty() || segments.any(|segment| ["", "*", "**"].contains(&segment)) {
        return Err(Wrong::Violation);
    }
    Ok(())
}

/// Whether events can be published there for others to get.
pub(crate) fn is_broadcast(name: &str) -> bool {
    let is_other = ["/meta/", "/service/"].iter().any(|prefix| name.starts_with(prefix));
    check(name).is_ok() && !is_other && !name.contains('*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_match_as_the_specification_says() {
        for (pattern, channel, matches) in [
            ("/a/b", "/a/b", true),
            ("/a/b", "/a/b/c", false),
            ("/a/*", "/a/b", true),
            ("/a/*", "/a", false),
            ("/a/*", "/ab", false),
            ("/a/*", "/a/b/c", false),
            ("/a/**", "/a/b/c", true),
            ("/a/**", "/a", false),
            ("/**", "/a", true),
            ("/a/x*", "/a/xy", false),
        ] {
            assert_eq!(Pattern(pattern.to_owned()).matches(channel), matches, "{pattern} {channel}");
        }
    }

    #[test]
    fn a_name_is_good_or_wrong_in_one_of_two_ways() {
        for (name, wrong) in [
            ("/a", None),
            ("/a b/c!", None),
            ("/a/", None),
            ("/**", None),
            ("/a/x*", None),
            ("", Some(Wrong::Invalid)),
            ("/", Some(Wrong::Invalid)),
            ("a", Some(Wrong::Invalid)),
            ("/a?x='1'", Some(Wrong::Invalid)),
            ("/é", Some(Wrong::Invalid)),
            ("//a", Some(Wrong::Violation)),
            ("/a/*/b", Some(Wrong::Violation)),
            ("/**/*", Some(Wrong::Violation)),
        ] {
            assert_eq!(check(name).err(), wrong, "{name}");
        }
    }
}
