//! The role table of the configuration: which role grants which operation at which level.

use std::collections::BTreeMap;

use causeway_model::Level;

use super::Operation;

/// Why a role table is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RoleTableError {
    /// The word before the colon.
    #[error("read roles: {0:?} is not a level; use all, vo or private")]
    Level(String),
    /// The word behind the colon.
    #[error(
        "read roles: {0:?} is not an operation; use deleg, transfer, config, datamanagement, admin or *"
    )]
    Operation(String),
}

/// One role's grants; the star stands for every operation that has no grant of its own.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Grants {
    by_operation: BTreeMap<Operation, Level>,
    others: Option<Level>,
}

impl Grants {
    fn parse(text: &str) -> Result<Self, RoleTableError> {
        let mut grants = Self::default();
        for entry in text
            .split(';')
            .map(str::trim)
            .filter(|entry| !entry.is_empty())
        {
            let (level, operation) = match entry.split_once(':') {
                Some((level, operation)) => (parse_level(level.trim())?, operation.trim()),
                None => (Level::Private, entry),
            };
            if operation == "*" {
                grants.others = Some(level);
            } else {
                let known = Operation::from_name(operation);
                let operation =
                    known.ok_or_else(|| RoleTableError::Operation(operation.to_owned()))?;
                grants.by_operation.insert(operation, level);
            }
        }
        Ok(grants)
    }

    /// Takes over what a later role says, also when it says less.
    fn overlay(&mut self, later: &Self) {
        self.by_operation.extend(&later.by_operation);
        self.others = later.others.or(self.others);
    }

    fn level(&self, operation: Operation) -> Option<Level> {
        let own = self.by_operation.get(&operation).copied();
        own.or(self.others)
    }
}

fn parse_level(word: &str) -> Result<Level, RoleTableError> {
    match word.to_ascii_lowercase().as_str() {
        "all" => Ok(Level::All),
        "vo" => Ok(Level::Vo),
        "private" | "" => Ok(Level::Private),
        _ => Err(RoleTableError::Level(word.to_owned())),
    }
}

/// What roles grant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleTable {
    public: Grants,
    by_role: BTreeMap<String, Grants>,
}

impl Default for RoleTable {
    fn default() -> Self {
        let defaults = [
            ("Public", "vo:transfer;all:datamanagement"),
            ("lcgadmin", "all:config"),
            ("production", "all:config"),
        ];
        Self::new(defaults).expect("the default role table is well formed")
    }
}

impl RoleTable {
    /// Reads rows of role and grants. `Public` is what every authenticated caller has; the other
    /// names are kept in lower case and compared with a caller's roles exactly.
    pub fn new<'a>(
        rows: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<Self, RoleTableError> {
        let mut by_role = BTreeMap::new();
        for (role, grants) in rows {
            by_role.insert(role.to_lowercase(), Grants::parse(grants)?);
        }
        let public = by_role.remove("public").unwrap_or_default();
        Ok(Self { public, by_role })
    }

    /// What an authenticated caller with those roles is granted, plus what was granted to their DN:
    /// the level of each operation by its name.
    pub fn levels(&self, roles: &[String], static_grants: &[Operation]) -> BTreeMap<String, Level> {
        let mut grants = self.public.clone();
        for role in roles {
            if let Some(more) = self.by_role.get(role) {
                grants.overlay(more);
            }
        }
        for operation in static_grants {
            grants.by_operation.insert(*operation, Level::All);
        }
        by_name(|operation| grants.level(operation))
    }

    /// What the service itself may do: everything.
    pub fn root_levels() -> BTreeMap<String, Level> {
        by_name(|_| Some(Level::All))
    }
}

fn by_name(level: impl Fn(Operation) -> Option<Level>) -> BTreeMap<String, Level> {
    let levels = Operation::ALL
        .into_iter()
        .filter_map(|operation| Some((operation.as_str().to_owned(), level(operation)?)));
    levels.collect()
}

#[cfg(test)]
mod tests {
    use Level::{All, Private, Vo};

    use super::*;

    fn levels(rows: &[(&str, &str)], roles: &[&str]) -> BTreeMap<String, Level> {
        let roles: Vec<String> = roles.iter().map(|role| (*role).to_owned()).collect();
        let table = RoleTable::new(rows.iter().copied()).unwrap();
        table.levels(&roles, &[])
    }

    fn map(levels: &[(&str, Level)]) -> BTreeMap<String, Level> {
        let named = levels
            .iter()
            .map(|(name, level)| ((*name).to_owned(), *level));
        named.collect()
    }

    #[test]
    fn the_default_table() {
        let table = RoleTable::default();
        let member = [("transfer", Vo), ("datamanagement", All)];
        assert_eq!(table.levels(&[], &[]), map(&member));
        for role in ["lcgadmin", "production"] {
            let levels = table.levels(&[role.to_owned()], &[]);
            assert_eq!(levels, map(&[member[0], member[1], ("config", All)]));
        }
        let granted = table.levels(&[], &[Operation::Transfer]);
        assert_eq!(granted, map(&[("transfer", All), member[1]]));
        assert_eq!(RoleTable::root_levels().len(), 5);
        assert!(RoleTable::root_levels().values().all(|level| *level == All));
    }

    #[test]
    fn role_names_are_lowered_in_the_table_only() {
        let rows = [("Production", "all:config")];
        assert_eq!(levels(&rows, &["production"]), map(&[("config", All)]));
        assert_eq!(levels(&rows, &["Production"]), map(&[]));
        let public = levels(&[("Public", "transfer")], &["public"]);
        assert_eq!(public, map(&[("transfer", Private)]));
    }

    #[test]
    fn later_roles_override_and_the_star_fills_the_rest() {
        let rows = [
            ("public", "all:transfer"),
            ("a", "transfer;vo:*"),
            ("b", "vo:transfer"),
        ];
        let one = levels(&rows, &["a"]);
        let expected = [
            ("deleg", Vo),
            ("transfer", Private),
            ("config", Vo),
            ("datamanagement", Vo),
            ("admin", Vo),
        ];
        assert_eq!(one, map(&expected));
        assert_eq!(levels(&rows, &["a", "b"])["transfer"], Vo);
    }

    #[test]
    fn bad_tables_are_refused() {
        let bad = |text| RoleTable::new([("x", text)]).unwrap_err();
        assert_eq!(bad("some:config"), RoleTableError::Level("some".into()));
        assert_eq!(
            bad("all:nothing"),
            RoleTableError::Operation("nothing".into())
        );
        assert!(RoleTable::new([("x", " ; vo : transfer ;")]).is_ok());
    }
}
