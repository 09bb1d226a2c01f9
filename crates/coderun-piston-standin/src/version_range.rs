//! Ranges of versions as npm reads them: `3`, `3.x`, `*`, `>=3.9 <4`, `1.2 - 2`, `^3.9 || ~2.7`.

use semver::{Version, VersionReq};

/// What an operator is made of.
const OPERATORS: [char; 5] = ['<', '>', '=', '~', '^'];

/// Whether a version is in a range. A text that is no range holds no version.
pub(crate) fn is_in_range(version: &Version, range: &str) -> bool {
    let alternatives: Option<Vec<VersionReq>> = range.split("||").map(alternative).collect();
    alternatives.is_some_and(|any| any.iter().any(|range| range.matches(version)))
}

/// Reads one alternative; `None` if it is no range.
fn alternative(text: &str) -> Option<VersionReq> {
    let text = text.trim();
    if text.ends_with(OPERATORS) {
        return None;
    }
    let comparators: Option<Vec<String>> = match text.split_once(" - ") {
        Some((from, to)) => [(">=", from), ("<=", to)]
            .into_iter()
            .map(|(operator, version)| Some(bounded(operator, &partial(version)?)))
            .collect(),
        None => with_operators(text).map(|text| comparator(&text)).collect(),
    };
    let mut bounds = comparators?;
    bounds.retain(|bound| !bound.is_empty());
    if bounds.is_empty() {
        return Some(VersionReq::STAR);
    }
    VersionReq::parse(&bounds.join(", ")).ok()
}

/// The parts between white space; an operator that stands alone belongs to what follows.
fn with_operators(text: &str) -> impl Iterator<Item = String> {
    let mut operator = String::new();
    text.split_whitespace().filter_map(move |part| {
        operator.push_str(part);
        let is_complete = part.contains(|c: char| c.is_ascii_alphanumeric() || c == '*');
        is_complete.then(|| std::mem::take(&mut operator))
    })
}

/// Reads one comparison; an empty one is true of every version.
///
/// What has no operator is met by every version that begins so, where Cargo would take every compatible one.
fn comparator(text: &str) -> Option<String> {
    let start = text.find(|c| !OPERATORS.contains(&c))?;
    let (operator, version) = text.split_at_checked(start)?;
    let operator = match operator {
        "" | "=" => "=",
        "~>" => "~",
        ">" | ">=" | "<" | "<=" | "~" | "^" => operator,
        _ => return None,
    };
    Some(bounded(operator, &partial(version)?))
}

/// The parts of a version before the first wildcard; empty for any version, `None` for what is no version.
fn partial(text: &str) -> Option<String> {
    let text = text.trim();
    let text = text.strip_prefix('v').unwrap_or(text);
    let (numbers, _) = text.split_once(['-', '+']).unwrap_or((text, ""));
    let parts: Vec<&str> = numbers.split('.').collect();
    let is_wildcard = |part: &&str| matches!(*part, "x" | "X" | "*");
    let is_number = |part: &&str| part.parse::<u64>().is_ok();
    if !parts
        .iter()
        .all(|part| is_wildcard(part) || is_number(part))
    {
        return None;
    }
    let known = parts.iter().take_while(|part| !is_wildcard(part)).count();
    if known == parts.len() {
        return Some(text.to_owned());
    }
    let known: Vec<&str> = parts.into_iter().take(known).collect();
    Some(known.join("."))
}

fn bounded(operator: &str, version: &str) -> String {
    // `<*` and `>*` hold nothing, which no client asks for.
    if version.is_empty() {
        return String::new();
    }
    format!("{operator}{version}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(range: &str) -> Vec<&'static str> {
        let versions = ["2.7.18", "3.10.0-alpha.7", "3.9.4", "3.10.0", "3.12.0"];
        let is_held = |version: &&str| is_in_range(&Version::parse(version).unwrap(), range);
        versions.into_iter().filter(is_held).collect()
    }

    #[test]
    fn a_part_of_a_version_means_all_that_begin_so() {
        for range in ["3", "3.x", "3.x.x", "3.*", "v3", "=3", " 3 "] {
            assert_eq!(holds(range), ["3.9.4", "3.10.0", "3.12.0"], "{range}");
        }
        for range in ["3.10", "3.10.x", "3.10.0", "= 3.10.0"] {
            assert_eq!(holds(range), ["3.10.0"], "{range}");
        }
    }

    #[test]
    fn a_whole_version_means_itself() {
        assert_eq!(holds("3.9.0"), [] as [&str; 0]);
        assert_eq!(holds("3.10.0-alpha.7"), ["3.10.0-alpha.7"]);
    }

    #[test]
    fn wildcards_alone_mean_all_but_what_is_not_released() {
        for range in ["*", "x", "X", " ", ">=0.0.0"] {
            let all = ["2.7.18", "3.9.4", "3.10.0", "3.12.0"];
            assert_eq!(holds(range), all, "{range:?}");
        }
    }

    #[test]
    fn comparisons_are_joined_and_alternated() {
        assert_eq!(holds(">=3.9 <3.12"), ["3.9.4", "3.10.0"]);
        assert_eq!(holds(">= 3.9 < 3.12"), ["3.9.4", "3.10.0"]);
        assert_eq!(holds("^3.10"), ["3.10.0", "3.12.0"]);
        assert_eq!(holds("~3.9.1 || 2.x"), ["2.7.18", "3.9.4"]);
        assert_eq!(holds("2.7 - 3.9"), ["2.7.18", "3.9.4"]);
    }

    #[test]
    fn what_is_no_range_holds_nothing() {
        for range in ["latest", "3.x.y", "3..1", "python3", ">>3", "3,4", ">="] {
            assert_eq!(holds(range), [] as [&str; 0], "{range}");
        }
    }
}
