//! A small part of SOQL: `SELECT a, b FROM X [WHERE f = 'v' | f IN ('a', 'b') [AND …]] [LIMIT n]`.
//! After "SOQL and SOSL Reference". Everything else is refused, so that no query is answered wrongly.

#[cfg(test)]
mod tests;

use serde_json::Value;
use winnow::ascii::{Caseless, dec_uint, float, multispace0, multispace1};
use winnow::combinator::{alt, cut_err, delimited, opt, preceded, repeat, separated, terminated};
use winnow::error::{ContextError, ErrMode};
use winnow::prelude::*;
use winnow::token::{none_of, one_of, take_while};

/// What is asked for.
#[derive(Debug, PartialEq)]
pub(crate) struct Query {
    pub(crate) fields: Vec<String>,
    pub(crate) object: String,
    /// All of them hold.
    pub(crate) conditions: Vec<Condition>,
    pub(crate) limit: Option<usize>,
}

/// A field that has one of some values.
#[derive(Debug, PartialEq)]
pub(crate) struct Condition {
    pub(crate) field: String,
    pub(crate) any_of: Vec<Value>,
}

/// Reads a query; the error says where it is no longer understood.
pub(crate) fn parse(text: &str) -> Result<Query, String> {
    query.parse(text).map_err(|why| {
        let column = text.get(..why.offset()).map_or(0, |before| before.chars().count()) + 1;
        let rest: String = text.chars().skip(column - 1).take(20).collect();
        format!("ERROR at Row:1:Column:{column}\nunexpected token: '{rest}'")
    })
}

/// Reads what may follow `WHERE`.
pub(crate) fn conditions(text: &str) -> Result<Vec<Condition>, String> {
    let mut conditions = separated(1.., condition, (multispace1, word("AND")));
    conditions.parse(text).map_err(|why: winnow::error::ParseError<_, _>| {
        format!("not understood from character {} on", why.offset() + 1)
    })
}

type Outcome<T> = Result<T, ErrMode<ContextError>>;

fn query(input: &mut &str) -> Outcome<Query> {
    preceded(multispace0, word("SELECT")).parse_next(input)?;
    let fields = separated(1.., name, comma).parse_next(input)?;
    let object = preceded((multispace1, word("FROM")), name).parse_next(input)?;
    let conditions = separated(1.., condition, (multispace1, word("AND")));
    let conditions: Option<Vec<Condition>> =
        opt(preceded((multispace1, word("WHERE")), cut_err(conditions))).parse_next(input)?;
    let limit = opt(preceded((multispace1, word("LIMIT")), cut_err(dec_uint))).parse_next(input)?;
    multispace0.parse_next(input)?;
    Ok(Query { fields, object, conditions: conditions.unwrap_or_default(), limit })
}

/// A keyword, in any case, and the space after it.
fn word<'a>(word: &'static str) -> impl Parser<&'a str, (), ErrMode<ContextError>> {
    (Caseless(word), multispace1).void()
}

fn condition(input: &mut &str) -> Outcome<Condition> {
    let field = name.parse_next(input)?;
    let equals = preceded((multispace0, '=', multispace0), literal.map(|value| vec![value]));
    let list = delimited(('(', multispace0), separated(1.., literal, comma), (multispace0, ')'));
    let is_in = preceded((multispace1, Caseless("IN"), multispace0), list);
    let any_of = alt((equals, is_in)).parse_next(input)?;
    Ok(Condition { field, any_of })
}

fn literal(input: &mut &str) -> Outcome<Value> {
    alt((
        text.map(Value::from),
        Caseless("true").value(Value::Bool(true)),
        Caseless("false").value(Value::Bool(false)),
        Caseless("null").value(Value::Null),
        float.map(|number: f64| Value::from(number)),
    ))
    .parse_next(input)
}

/// A quoted text, with the escapes that SOQL knows.
fn text(input: &mut &str) -> Outcome<String> {
    let escaped = preceded('\\', one_of(['\'', '"', '\\', 'n', 'r', 't'])).map(|letter| match letter {
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        other => other,
    });
    delimited('\'', repeat(0.., alt((none_of(['\'', '\\']), escaped))), '\'').parse_next(input)
}

fn name(input: &mut &str) -> Outcome<String> {
    let first = one_of(|letter: char| letter.is_ascii_alphabetic());
    let rest = take_while(0.., |letter: char| letter.is_ascii_alphanumeric() || letter == '_');
    (first, rest).take().map(str::to_owned).parse_next(input)
}

fn comma(input: &mut &str) -> Outcome<()> {
    terminated((multispace0, ',').void(), multispace0).parse_next(input)
}
