//! What values records have, member by member: the columns that can hold all of them.

use super::layout::{Field, Layout, Shape};
use crate::json::{Kind, Node};
use std::collections::HashMap;

/// Members of an object beyond which it stays JSON.
const MOST_MEMBERS: usize = 64;

/// Columns beyond which members of records stay JSON.
const MOST_COLUMNS: usize = 512;

/// Nesting beyond which values stay JSON.
const DEPTH: usize = 8;

/// Whole numbers beyond these have no floating-point number of their own.
const EXACT: i64 = 1 << 53;

/// Members whose values are programs' data, different in every record: always JSON.
const JSON: [&str; 4] = ["tools", "functions", "arguments", "_schema"];

/// The kinds of value that were seen in one place.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Seen {
    /// How often something stood here, nulls included.
    times: u64,
    null: bool,
    text: bool,
    boolean: bool,
    whole: bool,
    /// Whole numbers that floating-point numbers do not have.
    large: bool,
    fraction: bool,
    /// Values that no column holds but as JSON.
    json: bool,
    list: Option<Box<Seen>>,
    object: Option<Box<Members>>,
}

#[derive(Clone, Debug, Default, PartialEq)]
struct Members {
    times: u64,
    names: Vec<String>,
    seen: Vec<Seen>,
    places: HashMap<String, usize>,
    /// A member stood twice in an object, or there were too many.
    rest: bool,
}

impl Seen {
    /// Takes a record.
    pub fn record(&mut self, node: &Node<'_>) {
        self.add(node, 0);
    }

    fn add(&mut self, node: &Node<'_>, depth: usize) {
        self.times += 1;
        match node.kind {
            Kind::Null => self.null = true,
            Kind::Bool(_) => self.boolean = true,
            Kind::String(_) => self.text = true,
            Kind::Number => self.number(node.raw),
            Kind::Array(_) | Kind::Object(_) if depth >= DEPTH || self.json => {
                self.json = true;
                (self.list, self.object) = (None, None);
            }
            Kind::Array(items) => {
                let list = self.list.get_or_insert_default();
                items.iter().for_each(|item| list.add(item, depth + 1));
            }
            Kind::Object(members) => {
                let most = if depth == 0 { MOST_COLUMNS } else { MOST_MEMBERS };
                let object = self.object.get_or_insert_default();
                object.times += 1;
                for (index, member) in members.iter().enumerate() {
                    let again = members[..index].iter().any(|other| other.key == member.key);
                    match object.place(member.key, most) {
                        Some(at) if !again => match JSON.contains(&member.key) {
                            true => object.seen[at].opaque(&member.value),
                            false => object.seen[at].add(&member.value, depth + 1),
                        },
                        _ => object.rest = true,
                    }
                }
                if object.rest && depth > 0 {
                    self.json = true;
                    (self.list, self.object) = (None, None);
                }
            }
        }
    }

    /// A value whose inside is not looked at.
    fn opaque(&mut self, node: &Node<'_>) {
        match node.kind {
            Kind::Array(_) | Kind::Object(_) => {
                self.times += 1;
                self.json = true;
            }
            _ => self.add(node, 0),
        }
    }

    fn number(&mut self, raw: &str) {
        match raw.parse::<i64>() {
            Ok(value) if raw != "-0" => {
                self.whole = true;
                self.large |= !(-EXACT..=EXACT).contains(&value);
            }
            // Digits without a point or an exponent that 64 bits do not hold keep their spelling.
            _ if !raw.contains(['.', 'e', 'E']) && raw != "-0" => self.json = true,
            _ => match raw.parse::<f64>() {
                Ok(value) if value.is_finite() => self.fraction = true,
                _ => self.json = true,
            },
        }
    }

    /// Takes what was seen elsewhere, later in the order.
    pub fn merge(&mut self, later: Self) {
        self.times += later.times;
        self.null |= later.null;
        self.text |= later.text;
        self.boolean |= later.boolean;
        self.whole |= later.whole;
        self.large |= later.large;
        self.fraction |= later.fraction;
        self.json |= later.json;
        if let Some(list) = later.list {
            self.list.get_or_insert_default().merge(*list);
        }
        if let Some(object) = later.object {
            self.object.get_or_insert_default().merge(*object);
        }
    }

    /// The columns of the records.
    pub fn layout(&self) -> Layout {
        let mut fields = self.object.as_ref().map(|object| object.fields()).unwrap_or_default();
        if fields.is_empty() {
            // A file has a column at least.
            fields.push(Field { name: "_rest".to_owned(), shape: Shape::Rest, aside: None, nulls: false });
        }
        Layout { fields }
    }

    /// The shape of what is not text; `None` if there was only text, or nothing.
    fn other(&self) -> Option<Shape> {
        let objects = self.object.as_ref().filter(|object| object.names.len() <= MOST_MEMBERS && !object.rest);
        let kinds = [self.boolean, self.whole || self.fraction, self.list.is_some(), self.object.is_some(), self.json];
        match kinds.iter().filter(|&&kind| kind).count() {
            0 => None,
            1 if self.boolean => Some(Shape::Bool),
            1 if self.whole && !self.fraction => Some(Shape::Int),
            1 if self.whole && self.large => Some(Shape::Json),
            1 if self.fraction => Some(Shape::Float),
            1 => Some(match (&self.list, objects) {
                (Some(list), _) => Shape::List(Box::new(list.one())),
                (_, Some(object)) if !object.names.is_empty() => Shape::Struct(object.fields()),
                _ => Shape::Json,
            }),
            _ => Some(Shape::Json),
        }
    }

    /// The shape of all values in one column.
    fn one(&self) -> Shape {
        match (self.other(), self.text) {
            (None, _) => Shape::Text,
            (Some(shape), false) => shape,
            (Some(_), true) => Shape::Json,
        }
    }
}

impl Members {
    fn place(&mut self, name: &str, most: usize) -> Option<usize> {
        if let Some(&at) = self.places.get(name) {
            return Some(at);
        }
        if self.names.len() >= most {
            return None;
        }
        self.places.insert(name.to_owned(), self.names.len());
        self.names.push(name.to_owned());
        self.seen.push(Seen::default());
        Some(self.names.len() - 1)
    }

    fn merge(&mut self, later: Self) {
        self.times += later.times;
        self.rest |= later.rest;
        for (name, seen) in later.names.iter().zip(later.seen) {
            match self.place(name, MOST_COLUMNS) {
                Some(at) => self.seen[at].merge(seen),
                None => self.rest = true,
            }
        }
    }

    fn fields(&self) -> Vec<Field> {
        let mut rest = self.rest;
        let mut fields = Vec::with_capacity(self.names.len());
        let mut taken: Vec<String> = self.names.clone();
        let mut free = |wanted: String| {
            let mut name = wanted;
            while taken.contains(&name) {
                name.push('_');
            }
            taken.push(name.clone());
            name
        };
        for (name, seen) in self.names.iter().zip(&self.seen) {
            let always = seen.times == self.times;
            rest |= seen.null && !always;
            let (shape, aside) = match (seen.text, seen.other()) {
                (true, Some(_)) => (Shape::Text, Some(free(format!("{name}_json")))),
                _ => (seen.one(), None),
            };
            fields.push(Field { name: name.clone(), shape, aside, nulls: seen.null && always });
        }
        if rest {
            fields.push(Field { name: free("_rest".to_owned()), shape: Shape::Rest, aside: None, nulls: false });
        }
        fields
    }
}
