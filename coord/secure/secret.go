package secure

import "log/slog"

// redacted is what every secret prints as.
const redacted = "[secret]"

// Secret is a password. Printing, logging or marshalling it shows a placeholder.
type Secret string

// String is a placeholder.
func (Secret) String() string { return redacted }

// GoString is a placeholder.
func (Secret) GoString() string { return redacted }

// LogValue is a placeholder.
func (Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText is a placeholder.
func (Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }
