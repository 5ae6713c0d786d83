//! What a user should know about one route, as data. The groups are lists of these; `document` and
//! `listing` turn them into the two forms in which they are served.

use serde_json::Value;

/// Media type of nearly everything.
pub(super) const JSON: &str = "application/json";
/// Media type of forms.
pub(super) const FORM: &str = "application/x-www-form-urlencoded";
/// Media type of pages.
pub(super) const HTML: &str = "text/html";
/// Media type of plain text.
pub(super) const TEXT: &str = "text/plain";

/// Routes that belong together, and the models that only they use.
pub(crate) struct Group {
    /// Id of the resource in the old listing, and tag in the new document.
    pub(crate) id: &'static str,
    /// What it is about, in one line.
    pub(crate) about: &'static str,
    /// Its routes.
    pub(crate) docs: Vec<Doc>,
    /// Name and schema.
    pub(crate) models: Vec<(&'static str, Value)>,
}

/// One route.
#[derive(Clone)]
pub(crate) struct Doc {
    /// Method.
    pub(crate) method: &'static str,
    /// Path, as in the route table.
    pub(crate) path: &'static str,
    /// What it does, in a few words.
    pub(crate) summary: &'static str,
    /// What else to know.
    pub(crate) about: &'static str,
    /// Arguments in the query.
    pub(crate) query: Vec<Argument>,
    /// What may be sent.
    pub(crate) body: Option<Body>,
    /// What may come back.
    pub(crate) answers: Vec<Answer>,
}

/// An argument in the query.
#[derive(Clone)]
pub(crate) struct Argument {
    pub(crate) name: &'static str,
    /// See `kind`.
    pub(crate) kind: &'static str,
    pub(crate) about: &'static str,
    pub(crate) required: bool,
}

/// What may be sent.
#[derive(Clone)]
pub(crate) struct Body {
    pub(crate) about: &'static str,
    /// Media types and what each holds.
    pub(crate) content: Vec<(&'static str, &'static str)>,
    /// Without it the request makes no sense.
    pub(crate) required: bool,
    /// One that works.
    pub(crate) example: Option<Value>,
}

/// What may come back.
#[derive(Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) about: &'static str,
    /// Media types and what each holds; none for an empty answer.
    pub(crate) content: Vec<(&'static str, &'static str)>,
}

macro_rules! methods {
    ($($name:ident = $method:literal)*) => {
        $(pub(super) fn $name(path: &'static str, summary: &'static str) -> Doc {
            Doc::new($method, path, summary)
        })*
    };
}
methods! { get = "GET" post = "POST" put = "PUT" delete = "DELETE" }

impl Doc {
    fn new(method: &'static str, path: &'static str, summary: &'static str) -> Self {
        Self {
            method,
            path,
            summary,
            about: "",
            query: Vec::new(),
            body: None,
            answers: Vec::new(),
        }
    }

    /// The same text for another method or path.
    pub(super) fn also(&self, method: &'static str, path: &'static str) -> Self {
        Self {
            method,
            path,
            ..self.clone()
        }
    }

    pub(super) fn about(mut self, about: &'static str) -> Self {
        self.about = about;
        self
    }

    pub(super) fn query(
        mut self,
        name: &'static str,
        kind: &'static str,
        about: &'static str,
    ) -> Self {
        self.query.push(Argument {
            name,
            kind,
            about,
            required: false,
        });
        self
    }

    /// Without this argument the answer is 400.
    pub(super) fn needs(
        mut self,
        name: &'static str,
        kind: &'static str,
        about: &'static str,
    ) -> Self {
        self = self.query(name, kind, about);
        for argument in &mut self.query {
            argument.required |= argument.name == name;
        }
        self
    }

    /// A JSON body.
    pub(super) fn body(self, kind: &'static str, about: &'static str) -> Self {
        self.body_of(JSON, kind, about)
    }

    pub(super) fn body_of(
        mut self,
        media: &'static str,
        kind: &'static str,
        about: &'static str,
    ) -> Self {
        self.body = Some(Body {
            about,
            content: vec![(media, kind)],
            required: true,
            example: None,
        });
        self
    }

    /// The body may also be a form, or left out for arguments in the query.
    pub(super) fn or_form(mut self) -> Self {
        if let Some(body) = &mut self.body {
            let kind = body.content[0].1;
            body.content.push((FORM, kind));
            body.required = false;
        }
        self
    }

    pub(super) fn example(mut self, example: Value) -> Self {
        if let Some(body) = &mut self.body {
            body.example = Some(example);
        }
        self
    }

    /// 200 with JSON.
    pub(super) fn ok(self, kind: &'static str, about: &'static str) -> Self {
        self.gives(200, JSON, kind, about)
    }

    pub(super) fn gives(
        mut self,
        status: u16,
        media: &'static str,
        kind: &'static str,
        about: &'static str,
    ) -> Self {
        self.answers.push(Answer {
            status,
            about,
            content: vec![(media, kind)],
        });
        self
    }

    /// The last answer also as a page, for those who prefer one.
    pub(super) fn or_page(mut self) -> Self {
        if let Some(answer) = self.answers.last_mut() {
            answer.content.push((HTML, "string"));
        }
        self
    }

    /// An answer without a body.
    pub(super) fn empty(mut self, status: u16, about: &'static str) -> Self {
        self.answers.push(Answer {
            status,
            about,
            content: Vec::new(),
        });
        self
    }

    pub(super) fn fails(self, status: u16, about: &'static str) -> Self {
        self.gives(status, JSON, "Error", about)
    }
}
