use corpuskit_core::record::Role;
use corpuskit_core::stage::tag::*;
use std::io::BufRead;
fn main() {
    let packs = std::env::var("PACKS").map(|p| p.split(",").map(str::to_owned).collect()).unwrap_or_else(|_| vec!["builtin".to_owned()]);
    let tagger = Tagger::new(&TagSettings { packs }).unwrap_or_else(|e| panic!("{e}"));
    let c = tagger.compiled();
    let mut scratch = Scratch::default();
    let lines: Vec<serde_json::Value> = std::io::stdin().lock().lines().map(|l| serde_json::from_str(&l.unwrap()).unwrap()).collect();
    let rep = std::env::var("REP").map_or(0, |r| r.parse().unwrap());
    let mut spent = std::time::Duration::ZERO;
    for v in &lines {
        let turns: Vec<(Role, &str)> = v["turns"].as_array().unwrap().iter().map(|t| (match t[0].as_str().unwrap() {"user"=>Role::User,"assistant"=>Role::Assistant,"tool"|"function"=>Role::Tool,"text"=>Role::Text,_=>Role::System}, t[1].as_str().unwrap())).collect();
        let turns: Vec<Turn> = turns.iter().map(|&(role, text)| Turn { role, text }).collect();
        let f = Facts { tool_definitions: v["tools"].as_u64().unwrap_or(0) as usize, tool_calls: v["calls"].as_u64().unwrap_or(0) as usize };
        let start = std::time::Instant::now();
        for _ in 0..rep { std::hint::black_box(c.label(&turns, f, &mut scratch)); }
        let labels = c.label(&turns, f, &mut scratch);
        spent += start.elapsed();
        let s: Vec<String> = labels.iter().map(|l| format!("{}={}:{:.1}", c.columns[l.column].column, c.columns[l.column].tags[l.tag], l.score)).collect();
        println!("{}\t{}\t{}", v["src"].as_str().unwrap(), v["cat"].as_str().unwrap(), s.join(" "));
    }
    eprintln!("{} records {:.2?} each {} rules", lines.len(), spent / lines.len() as u32, c.rule_count());
}
