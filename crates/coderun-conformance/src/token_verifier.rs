//! States the contract of [`TokenVerifier`](coderun_domain::TokenVerifier) for tokens in the form of Firebase's.
//!
//! An adapter brings a verifier and the issuer of its tokens, in a [`VerifierUnderTest`]; the clauses let that issuer make
//! tokens of any kind, good and bad. All bad ones are signed by the right issuer unless their clause says otherwise: the
//! signature alone must not save a verifier.

pub mod accepting;
pub mod claims;
pub mod forms;
pub mod headers;
pub mod outages;
mod setup;
pub mod signatures;
pub mod times;

pub use setup::{Signer, TokenIssuer, Verifier, VerifierSetup, VerifierUnderTest};

/// Makes one test of each clause for the verifier that this constructor makes: a function or closure from a manual clock to
/// a future of [`VerifierUnderTest`](crate::VerifierUnderTest).
#[macro_export]
macro_rules! token_verifier_tests {
    (@list $then:ident $context:tt) => {
        $crate::$then! { $context
            accepting {
                a_good_token_names_its_user,
                a_token_need_say_no_more_than_it_must,
                unusual_forms_are_accepted,
                unusual_headers_are_accepted,
                unusual_users_are_accepted,
                unusual_periods_are_accepted,
                a_token_is_accepted_again,
                a_verifier_that_works_says_so,
            }
            times {
                a_token_expires_after_the_skew,
                an_expired_token_is_refused,
                a_token_from_the_future_is_refused,
                a_lifetime_is_positive_and_at_most_a_day,
                a_time_is_a_whole_number,
            }
            claims {
                a_required_claim_may_not_be_missing,
                another_audience_is_refused,
                another_issuer_is_refused,
                another_subject_is_refused,
                another_type_is_malformed,
                a_claim_that_is_given_twice_is_malformed,
                a_tenant_is_refused,
                a_text_that_is_no_claims_is_malformed,
            }
            headers {
                another_algorithm_is_refused,
                another_header_is_malformed,
                a_text_that_is_no_header_is_malformed,
            }
            forms {
                another_number_of_parts_is_malformed,
                space_in_a_token_is_malformed,
                a_second_spelling_is_malformed,
                a_token_has_a_greatest_length,
            }
            signatures {
                a_token_of_another_issuer_is_refused,
                a_changed_token_is_refused,
                a_key_that_a_token_brings_is_not_used,
                a_token_must_name_a_known_key,
            }
            outages {
                a_token_that_cannot_be_verified_now_is_neither_good_nor_bad,
                a_bad_token_is_bad_without_the_backend,
            }
        }
    };
    ($new:expr $(,)?) => {
        $crate::token_verifier_tests!(@list clause_tests (token_verifier $crate::VerifierSetup($new)));
    };
}
