"""The files that every registry knows without a reference: which messages and enums each path declares.

Names only. Their content never differs between two schemas, so nothing more is needed to resolve and compare.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class BundledFile:
    """One built-in file: its package, and the names in it without that package."""

    package: str
    messages: tuple[str, ...]
    enums: tuple[str, ...]


def _file(package: str, messages: str, enums: str = "") -> BundledFile:
    return BundledFile(package, tuple(messages.split()), tuple(enums.split()))


_DESCRIPTOR_MESSAGES = """
FileDescriptorSet FileDescriptorProto DescriptorProto DescriptorProto.ExtensionRange DescriptorProto.ReservedRange
ExtensionRangeOptions ExtensionRangeOptions.Declaration FieldDescriptorProto OneofDescriptorProto
EnumDescriptorProto EnumDescriptorProto.EnumReservedRange EnumValueDescriptorProto ServiceDescriptorProto
MethodDescriptorProto FileOptions MessageOptions FieldOptions FieldOptions.EditionDefault
FieldOptions.FeatureSupport OneofOptions EnumOptions EnumValueOptions ServiceOptions MethodOptions
UninterpretedOption UninterpretedOption.NamePart FeatureSet FeatureSetDefaults
FeatureSetDefaults.FeatureSetEditionDefault SourceCodeInfo SourceCodeInfo.Location GeneratedCodeInfo
GeneratedCodeInfo.Annotation
"""

_DESCRIPTOR_ENUMS = """
Edition ExtensionRangeOptions.VerificationState FieldDescriptorProto.Type FieldDescriptorProto.Label
FileOptions.OptimizeMode FieldOptions.CType FieldOptions.JSType FieldOptions.OptionRetention
FieldOptions.OptionTargetType MethodOptions.IdempotencyLevel FeatureSet.FieldPresence FeatureSet.EnumType
FeatureSet.RepeatedFieldEncoding FeatureSet.Utf8Validation FeatureSet.MessageEncoding FeatureSet.JsonFormat
GeneratedCodeInfo.Annotation.Semantic
"""

_WRAPPERS = """
DoubleValue FloatValue Int64Value UInt64Value Int32Value UInt32Value BoolValue StringValue BytesValue
"""

_PROTOBUF = "google.protobuf"
_TYPE = "google.type"

FILES = {
    "google/protobuf/any.proto": _file(_PROTOBUF, "Any"),
    "google/protobuf/api.proto": _file(_PROTOBUF, "Api Method Mixin"),
    "google/protobuf/descriptor.proto": _file(_PROTOBUF, _DESCRIPTOR_MESSAGES, _DESCRIPTOR_ENUMS),
    "google/protobuf/duration.proto": _file(_PROTOBUF, "Duration"),
    "google/protobuf/empty.proto": _file(_PROTOBUF, "Empty"),
    "google/protobuf/field_mask.proto": _file(_PROTOBUF, "FieldMask"),
    "google/protobuf/source_context.proto": _file(_PROTOBUF, "SourceContext"),
    "google/protobuf/struct.proto": _file(_PROTOBUF, "Struct Value ListValue", "NullValue"),
    "google/protobuf/timestamp.proto": _file(_PROTOBUF, "Timestamp"),
    "google/protobuf/type.proto": _file(
        _PROTOBUF, "Type Field Enum EnumValue Option", "Field.Kind Field.Cardinality Syntax"
    ),
    "google/protobuf/wrappers.proto": _file(_PROTOBUF, _WRAPPERS),
    "google/type/calendar_period.proto": _file(_TYPE, "", "CalendarPeriod"),
    "google/type/color.proto": _file(_TYPE, "Color"),
    "google/type/date.proto": _file(_TYPE, "Date"),
    "google/type/datetime.proto": _file(_TYPE, "DateTime TimeZone"),
    "google/type/dayofweek.proto": _file(_TYPE, "", "DayOfWeek"),
    "google/type/decimal.proto": _file(_TYPE, "Decimal"),
    "google/type/expr.proto": _file(_TYPE, "Expr"),
    "google/type/fraction.proto": _file(_TYPE, "Fraction"),
    "google/type/interval.proto": _file(_TYPE, "Interval"),
    "google/type/latlng.proto": _file(_TYPE, "LatLng"),
    "google/type/localized_text.proto": _file(_TYPE, "LocalizedText"),
    "google/type/money.proto": _file(_TYPE, "Money"),
    "google/type/month.proto": _file(_TYPE, "", "Month"),
    "google/type/phone_number.proto": _file(_TYPE, "PhoneNumber PhoneNumber.ShortCode"),
    "google/type/postal_address.proto": _file(_TYPE, "PostalAddress"),
    "google/type/quaternion.proto": _file(_TYPE, "Quaternion"),
    "google/type/timeofday.proto": _file(_TYPE, "TimeOfDay"),
    "confluent/meta.proto": _file("confluent", "Meta"),
    "confluent/type/decimal.proto": _file("confluent.type", "Decimal"),
}
"""By import path."""
