//! JSON as templates write it: Python's `json.dumps(value, ensure_ascii=False)`.

use corpuskit_core::json::{Kind, Node, write_string};

/// Appends a value with `, ` and `: ` between, numbers as Python spells them after reading them.
pub(super) fn write_python(out: &mut Vec<u8>, node: &Node<'_>) {
    match node.kind {
        Kind::Null | Kind::Bool(_) => out.extend_from_slice(node.raw.as_bytes()),
        Kind::Number => out.extend_from_slice(number(node.raw).as_bytes()),
        Kind::String(text) => write_string(out, text),
        Kind::Array(items) => {
            out.push(b'[');
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    out.extend_from_slice(b", ");
                }
                write_python(out, item);
            }
            out.push(b']');
        }
        Kind::Object(members) => {
            out.push(b'{');
            for (at, member) in members.iter().enumerate() {
                if at > 0 {
                    out.extend_from_slice(b", ");
                }
                write_string(out, member.key);
                out.extend_from_slice(b": ");
                write_python(out, &member.value);
            }
            out.push(b'}');
        }
    }
}

/// An integer stays, `-0` is 0; any other number is the shortest decimal of its double, as `repr` writes it.
fn number(raw: &str) -> String {
    if raw.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-') {
        return if raw == "-0" { "0".to_owned() } else { raw.to_owned() };
    }
    let Ok(value) = raw.parse::<f64>() else { return raw.to_owned() };
    if value.is_infinite() {
        return if value > 0.0 { "Infinity" } else { "-Infinity" }.to_owned();
    }
    let shortest = format!("{value:e}");
    let Some((digits, exponent)) = shortest.split_once('e') else { return shortest };
    let Ok(exponent) = exponent.parse::<i32>() else { return shortest };
    if value != 0.0 && !(-4..16).contains(&exponent) {
        let sign = if exponent < 0 { '-' } else { '+' };
        return format!("{digits}e{sign}{:02}", exponent.abs());
    }
    let plain = format!("{value}");
    if plain.contains('.') { plain } else { format!("{plain}.0") }
}

#[cfg(test)]
mod tests {
    use super::number;

    #[test]
    fn numbers_are_spelled_as_python_does() {
        for (raw, spelled) in [
            ("0", "0"),
            ("-0", "0"),
            ("12", "12"),
            ("1.0", "1.0"),
            ("-0.0", "-0.0"),
            ("1e3", "1000.0"),
            ("1E-5", "1e-05"),
            ("0.0001", "0.0001"),
            ("1e15", "1000000000000000.0"),
            ("1e16", "1e+16"),
            ("1.5e300", "1.5e+300"),
            ("123456789012345678901234567890", "123456789012345678901234567890"),
            ("1e999", "Infinity"),
            ("0.1", "0.1"),
        ] {
            assert_eq!(number(raw), spelled, "{raw}");
        }
    }
}
