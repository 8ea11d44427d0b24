//! The fields of a description.

use serde_json::{Value, json};

use crate::object::{Definition, Field, FieldType, Sort};

/// An object's own fields, and those that come with its sort.
pub(super) fn all(of: &Definition) -> Vec<Value> {
    let own = of.fields.iter().map(|field| own(of.sort(), field));
    let system: &[(&str, &str)] = match of.sort() {
        Sort::Event => &[
            ("ReplayId", "string"),
            ("CreatedDate", "datetime"),
            ("CreatedById", "reference"),
            ("EventUuid", "string"),
        ],
        Sort::ChangeEvent => {
            &[("ReplayId", "string"), ("ChangeEventHeader", "complexvalue"), ("LastModifiedDate", "datetime")]
        }
        Sort::Object => &[
            ("Id", "id"),
            ("IsDeleted", "boolean"),
            ("CreatedDate", "datetime"),
            ("LastModifiedDate", "datetime"),
            ("SystemModstamp", "datetime"),
        ],
    };
    own.chain(system.iter().map(|(name, kind)| of_system(of.sort(), name, kind))).collect()
}

fn own(sort: Sort, field: &Field) -> Value {
    let (kind, soap) = match field.of {
        FieldType::Number => ("double", "xsd:double"),
        FieldType::Text => (if field.length > 255 { "textarea" } else { "string" }, "xsd:string"),
        FieldType::Boolean => ("boolean", "xsd:boolean"),
    };
    json!({
        "name": field.name,
        "label": field.name.trim_end_matches("__c").replace('_', " "),
        "type": kind,
        "soapType": soap,
        "length": field.length,
        "nillable": !field.required,
        "createable": sort != Sort::ChangeEvent,
        "updateable": sort == Sort::Object,
        "externalId": field.external_id,
        "unique": field.unique,
        "idLookup": field.external_id,
        "custom": field.name.ends_with("__c"),
    })
}

fn of_system(sort: Sort, name: &str, kind: &str) -> Value {
    let soap = match kind {
        "id" | "reference" => "tns:ID",
        "boolean" => "xsd:boolean",
        "datetime" => "xsd:dateTime",
        _ => "xsd:string",
    };
    json!({
        "name": name,
        "label": name,
        "type": kind,
        "soapType": soap,
        "length": if kind == "id" || kind == "reference" { 18 } else { 0 },
        "nillable": sort != Sort::Object,
        "createable": false,
        "updateable": false,
        "externalId": false,
        "unique": false,
        "idLookup": name == "Id",
        "custom": false,
    })
}
