# SPDX-License-Identifier: MIT
# Validates records against JSON Schemas (the part of draft-07 that share/schema uses). Called with --slurpfile schemas,
# a list of schemas whose titles are the kinds; reads records, prints a line for everything that is wrong.

def kind_of: if type == "number" then (if . == floor then "integer" else "number" end) else type end;

def fits($type): kind_of as $k | $k == $type or ($type == "number" and $k == "integer");

def wrong($schema; $path):
  . as $value
  | (if $schema.type then
       ([$schema.type] | flatten) as $types
       | if any($types[]; . as $t | $value | fits($t)) then empty
         else "\($path): is \($value | kind_of), not \($types | join(" or "))" end
     else empty end),
    (if ($schema | has("const")) and $value != $schema.const then "\($path): is not \($schema.const)" else empty end),
    (if $schema.oneOf and ([$schema.oneOf[] | . as $one | [$value | wrong($one; $path)] | select(. == [])] | length) != 1
     then "\($path): is not one of the \($schema.oneOf | length) things it may be" else empty end),
    (if $schema.enum and ($schema.enum | index([$value]) | not) and ($schema.enum | any(. == $value) | not)
     then "\($path): \($value) is none of the allowed values" else empty end),
    (if ($value | type) == "number" then
       (if $schema.minimum and $value < $schema.minimum then "\($path): below \($schema.minimum)" else empty end),
       (if ($schema | has("maximum")) and $value > $schema.maximum then "\($path): above \($schema.maximum)" else empty end)
     else empty end),
    (if ($value | type) == "string" and $schema.pattern and ($value | test($schema.pattern) | not)
     then "\($path): does not match \($schema.pattern)" else empty end),
    (if ($value | type) == "object" then
       (($schema.required // [])[] | select(. as $key | $value | has($key) | not) | "\($path): lacks \(.)"),
       (($schema.properties // {}) | to_entries[] | .key as $key | select($value | has($key))
        | .value as $inner | $value[$key] | wrong($inner; "\($path).\($key)")),
       (if ($schema.additionalProperties | type) == "object" then
          $value | to_entries[] | .key as $key | select(($schema.properties // {}) | has($key) | not)
          | .value | wrong($schema.additionalProperties; "\($path).\($key)")
        else empty end)
     else empty end),
    (if ($value | type) == "array" and $schema.items then
       range($value | length) as $i | $value[$i] | wrong($schema.items; "\($path)[\($i)]")
     else empty end);

($schemas | map({(.title): .}) | add) as $known
| . as $record
| if type != "object" or (.kind | type) != "string" then "a line that is no record: \(tojson | .[0:80])"
  elif $known[.kind] then wrong($known[$record.kind]; $record.kind)
  else "there is no schema for records of kind \(.kind)" end
