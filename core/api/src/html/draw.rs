//! From any JSON value to tables.
//!
//! A list of objects is a table with a column for every member, an object of objects one with the
//! names in the first column, any other object a table of two columns. What is deeper than a
//! page can show stays text.

use std::fmt::Write as _;

use serde_json::{Map, Value};

use crate::error::escape_html;

/// Tables within tables within tables are not for people.
const DEEPEST: usize = 3;

/// What a page shows in place of a secret.
const HIDDEN: &str = "(hidden)";

/// How to draw.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Style {
    /// Columns that come first, in this order; the others follow by name.
    pub(super) first: &'static [&'static str],
    /// Members whose values are not shown.
    pub(super) secret: &'static [&'static str],
}

/// A value as markup.
pub(super) fn draw(value: &Value, style: Style) -> String {
    let mut out = String::new();
    any(&mut out, value, style, 0);
    out
}

fn any(out: &mut String, value: &Value, style: Style, depth: usize) {
    match value {
        Value::Null => out.push_str("<i>none</i>"),
        Value::Bool(it) => push(out, if *it { "yes" } else { "no" }),
        Value::Number(it) => push(out, &it.to_string()),
        Value::String(it) => push(out, it),
        Value::Array(list) if list.is_empty() => out.push_str("<i>none</i>"),
        Value::Object(map) if map.is_empty() => out.push_str("<i>none</i>"),
        deep if depth == DEEPEST => push(out, &deep.to_string()),
        Value::Array(list) => array(out, list, style, depth),
        Value::Object(map) => object(out, map, style, depth),
    }
}

fn array(out: &mut String, list: &[Value], style: Style, depth: usize) {
    let rows: Option<Vec<_>> = list.iter().map(|it| it.as_object()).collect();
    match rows {
        Some(rows) => {
            let rows: Vec<_> = rows.into_iter().map(|it| (None, it)).collect();
            table(out, None, &rows, style, depth);
        }
        None => {
            out.push_str("<ul>");
            for item in list {
                out.push_str("<li>");
                any(out, item, style, depth + 1);
            }
            out.push_str("</ul>");
        }
    }
}

fn object(out: &mut String, map: &Map<String, Value>, style: Style, depth: usize) {
    let rows: Option<Vec<_>> = map
        .iter()
        .map(|(name, it)| Some((Some(name.as_str()), it.as_object()?)))
        .collect();
    if let Some(rows) = rows.filter(|_| depth < DEEPEST - 1) {
        return table(out, Some("name"), &rows, style, depth);
    }
    out.push_str("<table>");
    for name in ordered(map.keys(), style) {
        out.push_str("<tr><th scope=\"row\">");
        push(out, name);
        out.push_str("<td>");
        cell(out, name, map.get(name), style, depth);
    }
    out.push_str("</table>");
}

type Row<'a> = (Option<&'a str>, &'a Map<String, Value>);

fn table(out: &mut String, head: Option<&str>, rows: &[Row<'_>], style: Style, depth: usize) {
    let names = ordered(rows.iter().flat_map(|(_, it)| it.keys()), style);
    out.push_str("<table><thead><tr>");
    for name in head.iter().copied().chain(names.iter().copied()) {
        out.push_str("<th scope=\"col\">");
        push(out, name);
    }
    out.push_str("<tbody>");
    for (title, row) in rows {
        out.push_str("<tr>");
        if let Some(title) = title {
            out.push_str("<th scope=\"row\">");
            push(out, title);
        }
        for name in &names {
            out.push_str("<td>");
            cell(out, name, row.get(*name), style, depth);
        }
    }
    out.push_str("</table>");
}

fn cell(out: &mut String, name: &str, value: Option<&Value>, style: Style, depth: usize) {
    match value {
        None => {}
        Some(Value::String(it)) if !it.is_empty() && style.secret.contains(&name) => {
            push(out, HIDDEN);
        }
        Some(value) => any(out, value, style, depth + 1),
    }
}

/// Every name once: those of the style first, the others by name.
fn ordered<'a>(names: impl Iterator<Item = &'a String>, style: Style) -> Vec<&'a str> {
    let mut names: Vec<&str> = names.map(String::as_str).collect();
    let place = |name: &str| style.first.iter().position(|it| *it == name);
    names.sort_by_key(|it| (place(it).unwrap_or(usize::MAX), *it));
    names.dedup();
    names
}

fn push(out: &mut String, text: &str) {
    // Writing into a string cannot fail.
    let _infallible = write!(out, "{}", escape_html(text));
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_list_of_objects_is_a_table() {
        let style = Style {
            first: &["name"],
            secret: &["key"],
        };
        let value = json!([{"a": 1, "name": "x"}, {"name": "<y>", "b": null, "key": "s3cr3t"}]);
        assert_eq!(
            draw(&value, style),
            "<table><thead><tr><th scope=\"col\">name<th scope=\"col\">a<th scope=\"col\">b\
             <th scope=\"col\">key<tbody><tr><td>x<td>1<td><td>\
             <tr><td>&lt;y&gt;<td><td><i>none</i><td>(hidden)</table>"
        );
    }

    #[test]
    fn objects_by_name() {
        let value = json!({"atlas": {"retry": 1}, "*": {"retry": 0, "on": true}});
        assert_eq!(
            draw(&value, Style::default()),
            "<table><thead><tr><th scope=\"col\">name<th scope=\"col\">on<th scope=\"col\">retry\
             <tbody><tr><th scope=\"row\">*<td>yes<td>0<tr><th scope=\"row\">atlas<td><td>1</table>"
        );
        assert_eq!(
            draw(&json!({"a": [1, "b"]}), Style::default()),
            "<table><tr><th scope=\"row\">a<td><ul><li>1<li>b</ul></table>"
        );
    }

    #[test]
    fn names_are_no_markup_either() {
        for value in [
            json!({"<b>": 1}),
            json!([{"<b>": 1}]),
            json!({"<b>": {"x": 1}}),
        ] {
            let drawn = draw(&value, Style::default());
            assert!(
                drawn.contains("&lt;b&gt;") && !drawn.contains("<b>"),
                "{drawn}"
            );
        }
    }

    #[test]
    fn what_is_too_deep_stays_text() {
        let mut value = json!("<end>");
        for _ in 0..100 {
            value = json!([[value]]);
        }
        let drawn = draw(&value, Style::default());
        assert!(drawn.contains("[[[") && drawn.contains("&lt;end&gt;"));
    }

    #[test]
    fn nothing_is_said_to_be_nothing() {
        for value in [json!([]), json!({}), json!(null)] {
            assert_eq!(draw(&value, Style::default()), "<i>none</i>");
        }
    }
}
