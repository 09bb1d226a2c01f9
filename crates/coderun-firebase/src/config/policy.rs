//! Holds the policies that decide whose tokens are accepted, in the form of settings.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use super::{ConfigError, TenantId};

/// Reads and writes each variant of an enum as a word.
macro_rules! as_words {
    ($name:ident, $expected:literal, $($word:literal => $variant:ident),+) => {
        impl FromStr for $name {
            type Err = ConfigError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                match text {
                    $($word => Ok(Self::$variant),)+
                    _ => Err(ConfigError($expected)),
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(match self {
                    $(Self::$variant => $word,)+
                })
            }
        }
    };
}

/// Whose tenants' tokens are accepted. A tenant is a closed group of users inside a project.
///
/// As text: `none`, `any`, or the id of the one tenant.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum TenantPolicy {
    /// Only tokens without a tenant.
    #[default]
    Refused,
    /// Only tokens of this tenant.
    Only(TenantId),
    /// Tokens of every tenant and of none.
    Any,
}

impl FromStr for TenantPolicy {
    type Err = ConfigError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "none" => Ok(Self::Refused),
            "any" => Ok(Self::Any),
            id => TenantId::parse(id).map(Self::Only).map_err(|_| {
                ConfigError(
                    "`none`, `any`, or the id of a tenant: 1 to 128 letters, digits, `-` and `_`",
                )
            }),
        }
    }
}

impl fmt::Display for TenantPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused => f.write_str("none"),
            Self::Only(id) => id.fmt(f),
            Self::Any => f.write_str("any"),
        }
    }
}

/// Which users are accepted once their token is known to be good.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct UserPolicy {
    /// Whether the address must be verified.
    pub email: EmailPolicy,
    /// How they must have signed in.
    pub providers: SignInProviders,
    /// Whether they may be anonymous.
    pub anonymous: AnonymousUsers,
}

/// Whether a user's address must be verified. As text: `any` or `verified`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum EmailPolicy {
    /// Users without an address, or with an unverified one, are accepted.
    #[default]
    Any,
    /// Only users with a verified address are accepted.
    Verified,
}

as_words!(EmailPolicy, "`any` or `verified`", "any" => Any, "verified" => Verified);

/// How users must have signed in.
///
/// As text: `any`, or names with commas between them, such as `google.com,password`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum SignInProviders {
    /// In any way that the project allows.
    #[default]
    Any,
    /// In one of these ways, by the names that Firebase gives them, such as `google.com`.
    Only(BTreeSet<String>),
}

impl FromStr for SignInProviders {
    type Err = ConfigError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "any" {
            return Ok(Self::Any);
        }
        let names = text.split(',').map(|name| provider(name.trim()));
        names.collect::<Result<_, _>>().map(Self::Only)
    }
}

impl fmt::Display for SignInProviders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("any"),
            Self::Only(names) => {
                let names: Vec<&str> = names.iter().map(String::as_str).collect();
                f.write_str(&names.join(","))
            }
        }
    }
}

fn provider(name: &str) -> Result<String, ConfigError> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    // `any` inside a list would look as if it opened the list to every provider.
    if name.is_empty() || name == "any" || !name.bytes().all(allowed) {
        return Err(ConfigError("`any`, or names such as `google.com,password`"));
    }
    Ok(name.to_owned())
}

/// Whether anonymous users are accepted. As text: `accepted` or `refused`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AnonymousUsers {
    /// They are.
    #[default]
    Accepted,
    /// They are not.
    Refused,
}

as_words!(AnonymousUsers, "`accepted` or `refused`", "accepted" => Accepted, "refused" => Refused);

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn listed(names: &[&str]) -> SignInProviders {
        SignInProviders::Only(names.iter().map(|name| (*name).to_owned()).collect())
    }

    #[rstest]
    #[case("none", TenantPolicy::Refused)]
    #[case("any", TenantPolicy::Any)]
    #[case("acme-x1y2z", TenantPolicy::Only(TenantId::parse("acme-x1y2z").unwrap()))]
    fn a_tenant_policy_is_read_and_written(#[case] text: &str, #[case] expected: TenantPolicy) {
        assert_eq!(text.parse(), Ok(expected.clone()));
        assert_eq!(expected.to_string(), text);
    }

    #[rstest]
    #[case::empty("")]
    #[case::a_path("../other")]
    #[case::a_dot("..")]
    #[case::an_escape("a%2fb")]
    #[case::a_query("a?b")]
    #[case::a_space(" acme")]
    #[case::not_ascii("äcme")]
    #[case::too_long(&"t".repeat(129))]
    fn another_text_is_no_tenant(#[case] text: &str) {
        assert!(text.parse::<TenantPolicy>().is_err());
    }

    #[rstest]
    #[case("any", SignInProviders::Any)]
    #[case("password", listed(&["password"]))]
    #[case("google.com,password", listed(&["google.com", "password"]))]
    #[case("oidc.acme-1,saml.acme_2", listed(&["oidc.acme-1", "saml.acme_2"]))]
    fn providers_are_read_and_written(#[case] text: &str, #[case] expected: SignInProviders) {
        assert_eq!(text.parse(), Ok(expected.clone()));
        assert_eq!(expected.to_string(), text);
    }

    #[test]
    fn spaces_around_a_provider_do_not_matter() {
        let expected = listed(&["google.com", "password"]);
        assert_eq!("google.com, password ".parse(), Ok(expected));
    }

    #[rstest]
    #[case::empty("")]
    #[case::an_empty_name("password,")]
    #[case::any_in_a_list("any,password")]
    #[case::a_space("google com")]
    fn another_text_lists_no_providers(#[case] text: &str) {
        assert!(text.parse::<SignInProviders>().is_err());
    }

    #[test]
    fn the_other_policies_are_one_of_two_words() {
        assert_eq!("any".parse(), Ok(EmailPolicy::Any));
        assert_eq!("verified".parse(), Ok(EmailPolicy::Verified));
        assert!("Any".parse::<EmailPolicy>().is_err());
        assert_eq!(EmailPolicy::Verified.to_string(), "verified");
        assert_eq!("accepted".parse(), Ok(AnonymousUsers::Accepted));
        assert_eq!("refused".parse(), Ok(AnonymousUsers::Refused));
        assert!("no".parse::<AnonymousUsers>().is_err());
        assert_eq!(AnonymousUsers::Refused.to_string(), "refused");
    }
}
