//! `x in actor.claim('xs')`: the claim may be a list, so that no brackets are needed around it. The parser wants some: they are added, and
//! take up no place.

use sqlparser::keywords::Keyword;
use sqlparser::tokenizer::{Span, Token, TokenWithSpan};

/// The words and signs of a call of `actor.claim`.
const CALL: usize = 6;

/// The tokens, with a bracket on each side of a claim that stands behind `in`.
pub(super) fn bracketed(tokens: Vec<TokenWithSpan>) -> Vec<TokenWithSpan> {
    let mut closes_at = None;
    let mut done = Vec::with_capacity(tokens.len());
    for (at, token) in tokens.iter().enumerate() {
        if closes_at == Some(at) {
            done.push(bracket(Token::RParen, token));
        }
        done.push(token.clone());
        if is_in(&token.token) && tokens.get(at + 1..).is_some_and(begins_with_call) {
            done.push(bracket(Token::LParen, token));
            closes_at = Some(at + 1 + CALL);
        }
    }
    if let (Some(last), true) = (tokens.last(), closes_at == Some(tokens.len())) {
        done.push(bracket(Token::RParen, last));
    }
    done
}

/// `actor.claim('name')`; what other members there are is not for here to say.
fn begins_with_call(tokens: &[TokenWithSpan]) -> bool {
    let [actor, point, member, open, name, close, ..] = tokens else { return false };
    is_word(&actor.token, "actor")
        && point.token == Token::Period
        && matches!(member.token, Token::Word(_))
        && open.token == Token::LParen
        && matches!(name.token, Token::SingleQuotedString(_) | Token::Word(_))
        && close.token == Token::RParen
}

fn is_in(token: &Token) -> bool {
    matches!(token, Token::Word(word) if word.keyword == Keyword::IN && word.quote_style.is_none())
}

fn is_word(token: &Token, wanted: &str) -> bool {
    matches!(token, Token::Word(word) if word.quote_style.is_none() && word.value.eq_ignore_ascii_case(wanted))
}

fn bracket(token: Token, beside: &TokenWithSpan) -> TokenWithSpan {
    TokenWithSpan { token, span: Span::new(beside.span.end, beside.span.end) }
}
