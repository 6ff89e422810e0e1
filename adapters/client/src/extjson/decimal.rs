//! The strings that describe a Decimal128 (specification *BSON Decimal128*, "From String Representation").

use bson::Decimal128;

use super::Error;

/// Reads a decimal number as the specification *BSON Decimal128* writes it.
///
/// The `bson` crate does the conversion, but takes strings for numbers that the specification's grammar excludes, such
/// as `""`, `"."`, `"E5"` or `"-+1"`; these are errors here.
///
/// ```
/// use stator_client::extjson::parse_decimal128;
///
/// assert_eq!(parse_decimal128("-12.70E+3")?.to_string(), "-1.270E+4");
/// assert!(parse_decimal128(".").is_err());
/// # Ok::<(), stator_client::extjson::Error>(())
/// ```
///
/// # Errors
///
/// [`Error::Value`] if `text` is no numeric string, or describes a number that a Decimal128 cannot hold exactly.
pub fn parse_decimal128(text: &str) -> Result<Decimal128, Error> {
    if !is_numeric_string(text) {
        return Err(Error::value("$numberDecimal", "it is no numeric string"));
    }
    text.parse().map_err(|error: bson::error::Error| Error::value("$numberDecimal", error))
}

/// `[sign] (digits '.' [digits] | ['.'] digits) [E [sign] digits]`, or `[sign]` and a name in any case.
fn is_numeric_string(text: &str) -> bool {
    let unsigned = unsigned(text);
    if ["infinity", "inf", "nan"].iter().any(|name| unsigned.eq_ignore_ascii_case(name)) {
        return true;
    }
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (unsigned, None),
    };
    let mantissa = match mantissa.split_once('.') {
        Some((before, "")) => is_digits(before),
        Some(("", after)) => is_digits(after),
        Some((before, after)) => is_digits(before) && is_digits(after),
        None => is_digits(mantissa),
    };
    mantissa && exponent.is_none_or(|exponent| is_digits(self::unsigned(exponent)))
}

fn unsigned(text: &str) -> &str {
    text.strip_prefix(['+', '-']).unwrap_or(text)
}

/// One digit or more, and nothing else.
pub(super) fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}
