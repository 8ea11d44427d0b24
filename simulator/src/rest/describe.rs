//! What objects there are: the platform events, with their fields.

use serde_json::{Value, json};

use crate::object::{Definition, FieldType};
use crate::org::Org;

/// `GET /sobjects/`.
pub(super) fn all(org: &Org) -> Value {
    let objects: Vec<Value> = org.definitions.all().iter().map(|definition| summary(definition)).collect();
    json!({"encoding": "UTF-8", "maxBatchSize": 200, "sobjects": objects})
}

/// `GET /sobjects/X__e/describe`.
pub(super) fn one(org: &Org, object: &str) -> Option<Value> {
    let definition = org.definitions.find(object)?;
    let own = definition.fields.iter().map(|field| {
        let (of, soap) = match field.of {
            FieldType::Number => ("double", "xsd:double"),
            FieldType::Text => (if field.length > 255 { "textarea" } else { "string" }, "xsd:string"),
            FieldType::Boolean => ("boolean", "xsd:boolean"),
        };
        json!({
            "name": field.name,
            "type": of,
            "soapType": soap,
            "length": field.length,
            "nillable": !field.required,
            "createable": true,
            "custom": true,
        })
    });
    let system =
        [("ReplayId", "string"), ("CreatedDate", "datetime"), ("CreatedById", "reference"), ("EventUuid", "string")]
            .map(
                |(name, of)| json!({"name": name, "type": of, "nillable": true, "createable": false, "custom": false}),
            );
    let mut description = summary(&definition);
    if let Some(fields) = description.as_object_mut() {
        fields.insert("fields".to_owned(), own.chain(system).collect());
    }
    Some(description)
}

fn summary(definition: &Definition) -> Value {
    let name = &definition.name;
    json!({
        "name": name,
        "label": name.trim_end_matches("__e").replace('_', " "),
        "custom": true,
        "createable": true,
        "updateable": false,
        "deletable": false,
        "queryable": false,
        "urls": {"sobject": format!("/services/data/v67.0/sobjects/{name}")},
    })
}
