//! The elements that HTML knows. Only these are tags: `Vec<T>`, `<think>` and `<name@host>` are not.

/// What removing an element's tag leaves in the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trace {
    /// Nothing: it stands within a line.
    Nothing,
    /// A space: the cells of a table.
    Space,
    /// A line end, unless a line has just begun.
    Line,
    /// A line end in any case: `br`.
    Break,
    /// Nothing, its content neither: scripts and styles.
    Content,
}

/// The element of this name, in any case of letters.
pub(super) fn find(name: &str) -> Option<Trace> {
    let mut lower = [0u8; 10];
    let lower = lower.get_mut(..name.len())?;
    lower.copy_from_slice(name.as_bytes());
    lower.make_ascii_lowercase();
    Some(match &*lower {
        b"br" => Trace::Break,
        b"script" | b"style" => Trace::Content,
        b"td" | b"th" => Trace::Space,
        b"address" | b"article" | b"aside" | b"blockquote" | b"body" | b"caption" | b"center" | b"dd" | b"details"
        | b"dialog" | b"div" | b"dl" | b"dt" | b"fieldset" | b"figcaption" | b"figure" | b"footer" | b"form"
        | b"h1" | b"h2" | b"h3" | b"h4" | b"h5" | b"h6" | b"head" | b"header" | b"hgroup" | b"hr" | b"html"
        | b"legend" | b"li" | b"main" | b"menu" | b"nav" | b"ol" | b"optgroup" | b"option" | b"p" | b"pre"
        | b"section" | b"summary" | b"table" | b"tbody" | b"tfoot" | b"thead" | b"title" | b"tr" | b"ul" => Trace::Line,
        b"a" | b"abbr" | b"acronym" | b"area" | b"audio" | b"b" | b"base" | b"bdi" | b"bdo" | b"big" | b"button"
        | b"canvas" | b"cite" | b"code" | b"col" | b"colgroup" | b"data" | b"datalist" | b"del" | b"dfn" | b"em"
        | b"embed" | b"font" | b"i" | b"iframe" | b"img" | b"input" | b"ins" | b"kbd" | b"label" | b"link" | b"map"
        | b"mark" | b"meta" | b"meter" | b"noscript" | b"object" | b"output" | b"param" | b"picture" | b"progress"
        | b"q" | b"rp" | b"rt" | b"ruby" | b"s" | b"samp" | b"select" | b"small" | b"source" | b"span" | b"strike"
        | b"strong" | b"sub" | b"sup" | b"svg" | b"template" | b"textarea" | b"time" | b"track" | b"tt" | b"u"
        | b"var" | b"video" | b"wbr" => Trace::Nothing,
        _ => return None,
    })
}
