//! The id of an org: what positions and metrics name it by.

use std::{fmt, str::FromStr};

use crate::Error;

/// The 18-character id of an org, as in `00Dxx0000001gPLEAY`.
///
/// The last three characters are a checksum of the case of the first fifteen, so that two ids that differ only by case
/// stay apart where case is lost (Salesforce Help, *What are the 15 and 18 character IDs*).
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct OrgId(Box<str>);

impl OrgId {
    /// The 18 characters.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for OrgId {
    type Err = Error;

    /// Takes 15 characters, to which the checksum is added, or 18, whose checksum has to be right.
    fn from_str(given: &str) -> Result<Self, Error> {
        let refuse = |problem| Error::OrgId { given: given.into(), problem };
        if !given.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return Err(refuse("holds something other than letters and digits"));
        }
        if !given.starts_with("00D") {
            return Err(refuse("an org's id starts with 00D"));
        }
        let Some((case_sensitive, checksum)) = given.split_at_checked(15) else {
            return Err(refuse("has fewer than 15 characters"));
        };
        let right = checksum_of(case_sensitive);
        match checksum.len() {
            0 => Ok(Self(format!("{case_sensitive}{right}").into())),
            3 if checksum == right => Ok(Self(given.into())),
            3 => Err(refuse("its last three characters do not fit the case of the others")),
            _ => Err(refuse("has neither 15 nor 18 characters")),
        }
    }
}

impl fmt::Display for OrgId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for OrgId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One character for each five: bit `n` of its place in the alphabet says that the n-th of them is a capital.
fn checksum_of(case_sensitive: &str) -> String {
    case_sensitive
        .as_bytes()
        .chunks(5)
        .filter_map(|five| {
            let capitals = five.iter().enumerate().filter(|(_, byte)| byte.is_ascii_uppercase());
            let place: usize = capitals.map(|(n, _)| 1 << n).sum();
            CHECKSUM.get(place).map(|byte| char::from(*byte))
        })
        .collect()
}

const CHECKSUM: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ012345";

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn fifteen_characters_become_eighteen_and_eighteen_are_checked() {
        let check = |given: &str, expected: Option<&str>| {
            let id = given.parse::<OrgId>().ok();
            assert_eq!(id.as_ref().map(OrgId::as_str), expected, "{given}");
        };
        check("00Dxx0000001gPL", Some("00Dxx0000001gPLEAY"));
        check("00Dxx0000001gPLEAY", Some("00Dxx0000001gPLEAY"));
        check("00Dxx0000001gplEAY", None);
        check("00Dxx0000001gPLEAA", None);
        check("00Dxx0000001gPLE", None);
        check("00Dxx", None);
        check("", None);
        check("005xx000001SwiUAAS", None);
        check("00Dxx0000001gP!", None);
        check("00Dxx000000é", None);
        check("00Dxx0000001gPLEAYEAY", None);
    }

    #[test]
    fn the_error_says_what_is_wrong() {
        let error = "00Dxx0000001gplEAY".parse::<OrgId>().unwrap_err();
        let expected = "org id `00Dxx0000001gplEAY`: its last three characters do not fit the case of the others";
        assert_eq!(error.to_string(), expected);
    }
}
