//! Builds the rules that look at the arguments of a call.

use seccompiler::{BackendError, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompRule};

/// One rule for each bit: it matches if the bit is set in an argument.
pub(super) fn any_bit(argument: u8, bits: u64) -> Result<Vec<SeccompRule>, BackendError> {
    (0..u32::BITS)
        .map(|shift| 1_u64 << shift)
        .filter(|bit| bits & bit != 0)
        .map(|bit| {
            let compare = SeccompCmpOp::MaskedEq(bit);
            SeccompRule::new(vec![condition(argument, compare, bit)?])
        })
        .collect()
}

/// One rule for each value: it matches if the low half of an argument, which is all that the kernel looks at, is it.
pub(super) fn equal_to_any(argument: u8, values: &[u64]) -> Result<Vec<SeccompRule>, BackendError> {
    values
        .iter()
        .map(|value| SeccompRule::new(vec![condition(argument, SeccompCmpOp::Eq, *value)?]))
        .collect()
}

/// Matches if an argument is none of these values.
pub(super) fn none_of(argument: u8, values: &[u64]) -> Result<Vec<SeccompRule>, BackendError> {
    Ok(vec![SeccompRule::new(differs_from_all(argument, values)?)?])
}

pub(super) fn differs_from_all(
    argument: u8,
    values: &[u64],
) -> Result<Vec<SeccompCondition>, BackendError> {
    let differs = |value: &u64| condition(argument, SeccompCmpOp::Ne, *value);
    values.iter().map(differs).collect()
}

pub(super) fn condition(
    argument: u8,
    compare: SeccompCmpOp,
    value: u64,
) -> Result<SeccompCondition, BackendError> {
    SeccompCondition::new(argument, SeccompCmpArgLen::Dword, compare, value)
}
