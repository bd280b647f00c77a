//! The per-record stages of a plan, checked and ready.

use super::label_counts::Numbers;
use crate::Result;
use crate::plan::Plan;
use crate::stage::dedup::Signer;
use crate::stage::filter::Filter;
use crate::stage::normalise::Normalise;
use crate::stage::parse::Parser;
use crate::stage::tag::Tagger;
use crate::stage::write::LabelPlace;
use crate::stage::write::form::Form;
use std::sync::Arc;

/// Everything that a worker needs to know.
pub(super) struct Stages {
    pub parser: Parser,
    pub normalise: Normalise,
    pub tagger: Tagger,
    pub numbers: Numbers,
    pub filter: Filter,
    pub form: Form,
    /// Whether the labels stand in the records as well.
    pub inline: bool,
    /// `None` where the plan looks for no duplicates.
    pub signer: Option<Signer>,
}

impl Stages {
    /// Builds the stages; a setting that cannot work stops the run here.
    pub fn new(plan: &Plan) -> Result<Self> {
        plan.check()?;
        plan.write.check()?;
        let tagger = Tagger::new(&plan.tag)?;
        Ok(Self {
            parser: Parser::new(&plan.parse)?,
            normalise: Normalise::new(&plan.normalise)?,
            numbers: Numbers::new(Arc::clone(tagger.vocabulary())),
            inline: plan.write.labels == LabelPlace::Inline,
            filter: Filter::new(&plan.filter, tagger.vocabulary())?,
            tagger,
            form: plan.write.form,
            signer: if plan.dedup.is_off() { None } else { Some(Signer::new(&plan.dedup)?) },
        })
    }
}
