//! Forms as data, and their markup. What a browser makes of it stands in `forms.js`: it sends the
//! request that any other client would send.

use std::fmt::Write as _;

use crate::error::escape_html;

/// What a field holds, by which the script knows how to write it in JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Any text.
    Text,
    /// A whole number.
    Integer,
    /// Any number.
    Number,
    /// Yes, no, or not said.
    Flag,
    /// A secret: not shown while it is typed.
    Secret,
    /// A JSON value.
    Json,
    /// One of these texts.
    Choice(&'static [&'static str]),
}

/// One field.
#[derive(Clone, Copy, Debug)]
pub(super) struct Field {
    /// Member of the JSON object.
    pub(super) name: &'static str,
    /// What it holds.
    pub(super) kind: Kind,
    /// The route refuses a request without it.
    pub(super) required: bool,
    /// What to write there.
    pub(super) hint: &'static str,
}

/// Where the values go, if not into a plain object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// `{"field": value, ...}`, or the query for DELETE.
    Plain,
    /// The value of this field is the last part of the path.
    Path(&'static str),
    /// `{value of this field: {heading: {the other fields}}}`
    Under {
        /// The field.
        field: &'static str,
        /// The heading.
        heading: &'static str,
    },
}

/// A form that changes something.
#[derive(Clone, Copy, Debug)]
pub(super) struct Form {
    /// What it does; the text of its button.
    pub(super) title: &'static str,
    /// POST or DELETE.
    pub(super) method: &'static str,
    /// The route, without a last part that comes from a field.
    pub(super) action: &'static str,
    /// Where the values go.
    pub(super) place: Place,
    /// Its fields.
    pub(super) fields: &'static [Field],
}

/// A field that has to be filled in.
pub(super) const fn needed(name: &'static str, kind: Kind, hint: &'static str) -> Field {
    Field {
        name,
        kind,
        required: true,
        hint,
    }
}

/// A field that may stay blank.
pub(super) const fn optional(name: &'static str, kind: Kind, hint: &'static str) -> Field {
    Field {
        name,
        kind,
        required: false,
        hint,
    }
}

impl Form {
    /// The form as markup.
    pub(super) fn draw(&self, out: &mut String) {
        let title = escape_html(self.title);
        let removes = self.method == "DELETE";
        let question = if removes {
            format!(" data-question=\"{title}?\"")
        } else {
            String::new()
        };
        let place = match self.place {
            Place::Plain => String::new(),
            Place::Path(field) => format!(" data-part=\"{field}\""),
            Place::Under { field, heading } => {
                format!(" data-under=\"{field}\" data-heading=\"{heading}\"")
            }
        };
        // Writing into a string cannot fail.
        let _infallible = write!(
            out,
            "<h2>{title}</h2><form action=\"{}\" data-method=\"{}\"{place}{question}>",
            self.action, self.method
        );
        for field in self.fields {
            field.draw(out);
        }
        let class = if removes { " class=\"remove\"" } else { "" };
        let _infallible = write!(
            out,
            "<button{class}>{title}</button><output role=\"status\"></output></form>"
        );
    }
}

impl Field {
    fn draw(&self, out: &mut String) {
        let Self { name, hint, .. } = self;
        let required = if self.required { " required" } else { "" };
        let input = |reader: &str, more: &str| {
            format!("<input name=\"{name}\" data-kind=\"{reader}\" {more}{required}>")
        };
        let select = |reader: &str, options: &[(&str, &str)]| {
            let options: String = options
                .iter()
                .map(|(value, text)| format!("<option value=\"{value}\">{text}</option>"))
                .collect();
            format!("<select name=\"{name}\" data-kind=\"{reader}\"{required}>{options}</select>")
        };
        let control = match self.kind {
            Kind::Text => input("text", "autocomplete=\"off\""),
            Kind::Secret => input("text", "type=\"password\" autocomplete=\"off\""),
            Kind::Integer => input("integer", "type=\"number\" step=\"1\""),
            Kind::Number => input("number", "type=\"number\" step=\"any\""),
            Kind::Flag => select("flag", &[("", ""), ("true", "yes"), ("false", "no")]),
            Kind::Json => {
                format!("<textarea name=\"{name}\" data-kind=\"json\"{required}></textarea>")
            }
            Kind::Choice(list) => {
                let blank = [("", "")];
                let all: Vec<_> = blank
                    .into_iter()
                    .chain(list.iter().map(|it| (*it, *it)))
                    .collect();
                select("text", &all)
            }
        };
        let hint = escape_html(hint);
        let _infallible = write!(
            out,
            "<label><span>{name} <small>{hint}</small></span>{control}</label>"
        );
    }
}
