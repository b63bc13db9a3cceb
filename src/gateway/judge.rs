//! What the gate lets through, by the tree of a query: an allow-list of nodes, of table functions and of system tables.
//!
//! The tenant wall does not lean on it. It refuses early and in clear words what `reader` could not do anyway, and what would
//! tell of the shared parts that rows of all tenants lie in: estimates, indexes, virtual tables.

use super::Exception;
use super::settings::DATABASE;
use super::tree::Node;

/// A query that may run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It may read events.
    Reads,
    /// It asks for the schema, the version, a constant.
    Metadata,
}

const NODES: &[&str] = &[
    "SelectWithUnionQuery",
    "SelectIntersectExceptQuery",
    "SelectQuery",
    "ExpressionList",
    "Subquery",
    "WithElement",
    "TablesInSelectQuery",
    "TablesInSelectQueryElement",
    "TableExpression",
    "TableIdentifier",
    "TableJoin",
    "ArrayJoin",
    "Identifier",
    "Literal",
    "Function",
    "Asterisk",
    "QualifiedAsterisk",
    "ColumnsRegexpMatcher",
    "ColumnsListMatcher",
    "QualifiedColumnsRegexpMatcher",
    "QualifiedColumnsListMatcher",
    "ColumnsTransformerList",
    "ColumnsExceptTransformer",
    "ColumnsReplaceTransformer",
    "ColumnsReplaceTransformer::Replacement",
    "OrderByElement",
    "InterpolateElement",
    "WindowListElement",
    "WindowDefinition",
    "SampleRatio",
    "DataType",
    "NameTypePair",
    "QueryParameter",
];

const TABLE_FUNCTIONS: &[&str] =
    &["numbers", "numbers_mt", "zeros", "generateseries", "generate_series", "values", "sqlstandardvalues", "view"];

/// What clients ask to know the server and its schema. ClickHouse shows `reader` only rows about what it may read.
const SYSTEM_TABLES: &[&str] = &[
    "one",
    "numbers",
    "settings",
    "databases",
    "tables",
    "columns",
    "functions",
    "table_functions",
    "data_type_families",
    "formats",
    "keywords",
    "time_zones",
];

/// Functions that reach beyond the rows of the query, whatever rights they ask for.
const FUNCTIONS: &[&str] = &[
    "file",
    "lowcardinalityindices",
    "lowcardinalitykeys",
    "dumpcolumnstructure",
    "blockserializedsize",
    "hascolumnintable",
    "catboostevaluate",
    "getserversetting",
    "getmacro",
    "initialqueryid",
    "queryid",
    "initial_query_id",
    "query_id",
    "sleep",
    "sleepeachrow",
    "showcertificate",
    "hostname",
    "fqdn",
    "fullhostname",
    "serveruuid",
    "tcpport",
    "globalvariable",
    "filesystemavailable",
    "filesystemcapacity",
    "filesystemunreserved",
    "zookeepersessionuptime",
    "buildid",
    "addresstoline",
    "addresstosymbol",
    "addresstolinewithinlines",
    "demangle",
    "structuretoprotobufschema",
    "structuretocapnprotoschema",
    "initialquerystarttime",
    "connectionid",
    "connection_id",
    "getoskernelversion",
    "shardnum",
    "shardcount",
    "reload",
    "eval",
    "ai",
    "getclientmemoryaddress",
    "evalmlmethod",
    "modelevaluate",
    "jointablefunction",
    "getmergetreesetting",
    "uptime",
    "mergetreepartinfo",
    "ispartmergecovered",
    "getsubcolumnsofpart",
    "remote",
    "url",
    "s3",
    "cluster",
    "executable",
    "input",
];

/// The same, by how their names begin: dictionaries, join tables, models of other services.
const FUNCTION_FAMILIES: &[&str] =
    &["dictget", "dicthas", "dictis", "dictgetchildren", "joinget", "ai_", "aigenerate", "aiclassify"];

/// Operators whose right side may be a table.
const IN: &[&str] = &[
    "in",
    "notin",
    "globalin",
    "globalnotin",
    "nullin",
    "notnullin",
    "globalnullin",
    "globalnotnullin",
    "inignoreset",
    "notinignoreset",
    "globalinignoreset",
    "globalnotinignoreset",
    "nullinignoreset",
    "notnullinignoreset",
    "globalnullinignoreset",
    "globalnotnullinignoreset",
];

pub fn judge(printed: &str) -> Result<Verdict, Exception> {
    let Some(root) = Node::parse(printed) else {
        return Err(Exception::denied(
            "the query could not be understood: names and aliases must not hold line breaks, and one statement is taken at a time",
        ));
    };
    match (root.kind(), root.name()) {
        ("SelectWithUnionQuery" | "SelectIntersectExceptQuery", _) => select(&root),
        ("Explain", "EXPLAIN AST") => {
            root.children.iter().try_for_each(|child| select(child).map(drop))?;
            Ok(Verdict::Metadata)
        }
        ("DescribeQuery", _) => described(&root),
        ("ExistsTableQuery" | "ExistsViewQuery", name) => table(&name.replace(' ', ".")).map(|_| Verdict::Metadata),
        ("ExistsDatabaseQuery" | "ShowTables" | "ShowColumns" | "ShowFunctions" | "ShowSetting", _) => {
            Ok(Verdict::Metadata)
        }
        (kind, name) => Err(Exception::denied(format_args!(
            "only SELECT is taken here, and SHOW DATABASES, SHOW TABLES, SHOW COLUMNS, DESCRIBE TABLE, EXISTS and EXPLAIN AST; this is {}",
            statement(kind, name),
        ))),
    }
}

/// As people call it.
fn statement(kind: &str, name: &str) -> String {
    match kind {
        "InsertQuery" => "an INSERT: events come in over OTLP, webhooks and POST /api/v1/messages".to_owned(),
        "Explain" => name.to_owned(),
        kind => kind.strip_suffix("Query").unwrap_or(kind).to_owned(),
    }
}

fn described(root: &Node<'_>) -> Result<Verdict, Exception> {
    // The rest is an Identifier for FORMAT.
    match root.children.as_slice() {
        [expression, rest @ ..]
            if expression.kind() == "TableExpression" && rest.iter().all(|clause| clause.kind() == "Identifier") =>
        {
            match expression.children.as_slice() {
                [one] if one.kind() == "TableIdentifier" => table(one.name()).map(|_| Verdict::Metadata),
                _ => Err(Exception::denied(format_args!(
                    "DESCRIBE is taken of a table of {DATABASE}, and of nothing else"
                ))),
            }
        }
        _ => Err(Exception::denied("DESCRIBE is taken of one table, without SETTINGS")),
    }
}

fn select(root: &Node<'_>) -> Result<Verdict, Exception> {
    // Beside the query itself: an Identifier for FORMAT, a Set for SETTINGS, Literals for INTO OUTFILE.
    for clause in root.children.iter().skip(usize::from(root.kind() == "SelectWithUnionQuery")) {
        match clause.kind() {
            "Identifier" | "SelectQuery" | "SelectWithUnionQuery" | "SelectIntersectExceptQuery" => {}
            "Set" => return Err(settings()),
            _ => return Err(Exception::denied("INTO OUTFILE is not taken: the answer comes over HTTP")),
        }
    }
    let mut verdict = Verdict::Metadata;
    // By hand, since a tree may be deep.
    let mut waiting = vec![root];
    while let Some(at) = waiting.pop() {
        if node(at)? == Verdict::Reads {
            verdict = Verdict::Reads;
        }
        waiting.extend(&at.children);
    }
    Ok(verdict)
}

fn settings() -> Exception {
    Exception::denied("SETTINGS are not taken in a query: limits are those of the tenant's tier")
}

fn node(at: &Node<'_>) -> Result<Verdict, Exception> {
    match at.kind() {
        "Set" => Err(settings()),
        "TableIdentifier" => table(at.name()),
        "TableExpression" => at.children.iter().try_fold(Verdict::Metadata, |verdict, child| match child.kind() {
            "Function" if !TABLE_FUNCTIONS.contains(&child.name().to_ascii_lowercase().as_str()) => {
                Err(Exception::denied(format_args!(
                    "the table function {} is not taken: there are numbers, generateSeries, values and view",
                    printable(child.name()),
                )))
            }
            _ => Ok(verdict),
        }),
        // The tree does not show its function.
        "ColumnsApplyTransformer" => Err(Exception::denied("APPLY is not taken: name the columns")),
        "Function" => function(at),
        kind if NODES.contains(&kind) => Ok(Verdict::Metadata),
        kind => Err(Exception::denied(format_args!("{} is not taken in a query", printable(kind)))),
    }
}

fn function(at: &Node<'_>) -> Result<Verdict, Exception> {
    let name = at.name().to_ascii_lowercase();
    let is_word = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if !is_word || FUNCTIONS.contains(&name.as_str()) || FUNCTION_FAMILIES.iter().any(|family| name.starts_with(family))
    {
        return Err(Exception::denied(format_args!("the function {} is not taken", printable(at.name()))));
    }
    // A function may be named where a lambda is meant.
    let arguments = at.children.first().map_or(&[][..], |list| &list.children);
    let is_higher = ["array", "map"].iter().any(|family| name.starts_with(family));
    for argument in arguments.iter().filter(|argument| is_higher && argument.kind() == "Identifier") {
        if FUNCTIONS.contains(&argument.name().to_ascii_lowercase().as_str()) {
            return Err(Exception::denied(format_args!("the function {} is not taken", printable(argument.name()))));
        }
    }
    if !IN.contains(&name.as_str()) {
        return Ok(Verdict::Metadata);
    }
    let right = at.children.first().and_then(|arguments| arguments.children.last());
    match right.map(|right| (right.kind(), right.name())) {
        // A column of a table, or a table.
        Some(("Identifier" | "TableIdentifier", name)) if is_foreign(name) => table(name),
        Some(("Identifier" | "TableIdentifier", _)) => Ok(Verdict::Reads),
        // What would be a table function there.
        Some(("Function", name)) if is_table_function(name) => {
            Err(Exception::denied(format_args!("the table function {} is not taken", printable(name))))
        }
        _ => Ok(Verdict::Metadata),
    }
}

/// Constants of an IN are made by these and their like; table functions have other names, whichever there will be.
fn is_table_function(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let makes_values = [
        "tuple", "array", "map", "cast", "_cast", "to", "split", "range", "bitmap", "now", "today", "arr", "json",
        "extract",
    ];
    !makes_values.iter().any(|known| name.starts_with(known)) && !TABLE_FUNCTIONS.contains(&name.as_str())
}

fn parts(name: &str) -> (String, String) {
    let bare = name.replace('`', "").to_ascii_lowercase();
    match bare.split_once('.') {
        Some((database, table)) => (database.to_owned(), table.to_owned()),
        None => (String::new(), bare),
    }
}

fn is_foreign(name: &str) -> bool {
    matches!(
        parts(name).0.as_str(),
        "activitylog" | "system" | "information_schema" | "default" | "_temporary_and_external_tables"
    )
}

fn table(name: &str) -> Result<Verdict, Exception> {
    let (database, table) = parts(name);
    match database.as_str() {
        "" => Ok(Verdict::Reads),
        database if database == DATABASE => Ok(Verdict::Reads),
        "system" if SYSTEM_TABLES.contains(&table.as_str()) => Ok(Verdict::Metadata),
        _ => Err(Exception::denied(format_args!(
            "there is no table {} to read: SHOW TABLES FROM {DATABASE} lists them",
            printable(name),
        ))),
    }
}

/// Of names that a caller wrote.
fn printable(name: &str) -> String {
    name.chars().filter(|c| !c.is_control()).take(80).collect()
}
