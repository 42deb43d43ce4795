package config

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// setter stores the text of key k in c. It returns nil, a fatal error, or one
// of the two soft outcomes: fallbackError (the default is used instead) and
// adjustedError (another value was stored); both become warnings.
type setter func(c *Config, k *key, text string) error

// fallbackError: the text could not be read and ZooKeeper would silently take
// the default.
type fallbackError struct{ reason string }

func (e fallbackError) Error() string { return e.reason }

// adjustedError: another value was stored in place of the one written.
type adjustedError struct{ text string }

func (e adjustedError) Error() string { return e.text }

// wording is an error in ZooKeeper's own words, which scripts look for.
type wording string

func (w wording) Error() string { return string(w) }

// strictBool accepts true and false in any case and refuses all else.
func strictBool(field func(*Config) *bool) setter {
	return func(c *Config, k *key, text string) error {
		switch {
		case strings.EqualFold(text, "true"):
			*field(c) = true
		case strings.EqualFold(text, "false"):
			*field(c) = false
		default:
			return wording(fmt.Sprintf("Invalid option '%s' for '%s'. Choose 'true' or 'false.'", text, k.name))
		}
		return nil
	}
}

// strictInt accepts a decimal 32-bit number with an optional sign.
func strictInt(field func(*Config) *int) setter {
	return func(c *Config, _ *key, text string) error {
		n, err := decimal(text)
		if err != nil {
			return err
		}
		*field(c) = n
		return nil
	}
}

// strictUnits is strictInt for a duration in the given unit.
func strictUnits(unit time.Duration, field func(*Config) *time.Duration) setter {
	return func(c *Config, _ *key, text string) error {
		n, err := decimal(text)
		if err != nil {
			return err
		}
		*field(c) = time.Duration(n) * unit
		return nil
	}
}

func strictMillis(field func(*Config) *time.Duration) setter { return strictUnits(millis, field) }

// strictPort accepts 0 (not set) to 65535.
func strictPort(field func(*Config) *int) setter {
	return func(c *Config, _ *key, text string) error {
		n, err := decimal(text)
		if err != nil {
			return err
		}
		if n < 0 || n > portMax {
			return fmt.Errorf("port out of range: %d; use 1 to %d", n, portMax)
		}
		*field(c) = n
		return nil
	}
}

const portMax = 65535

func decimal(text string) (int, error) {
	n, err := strconv.ParseInt(text, 10, 32)
	if err != nil {
		return 0, wording(fmt.Sprintf("For input string: %q is not a decimal 32-bit number", text))
	}
	return int(n), nil
}

// plain stores the text.
func plain(field func(*Config) *string) setter {
	return func(c *Config, _ *key, text string) error {
		*field(c) = text
		return nil
	}
}

// lenientBool is Boolean.getBoolean: true in any case, all else is false.
func lenientBool(field func(*Config) *bool) setter {
	return func(c *Config, _ *key, text string) error {
		*field(c) = strings.EqualFold(text, "true")
		if !*field(c) && !strings.EqualFold(text, "false") {
			return adjustedError{fmt.Sprintf("'%s' is neither true nor false and counts as false", text)}
		}
		return nil
	}
}

// unless is true for every text but one word, case counting, as in ZooKeeper.
func unless(word string, field func(*Config) *bool) setter {
	return func(c *Config, _ *key, text string) error {
		*field(c) = text != word
		return nil
	}
}

// lenientInt is Integer.getInteger within limits: decimal, 0x…, #… or octal.
func lenientInt(field func(*Config) *int) setter {
	return func(c *Config, _ *key, text string) error {
		n, err := javaDecode(text, 32)
		if err != nil {
			return err
		}
		*field(c) = int(n)
		return nil
	}
}

// lenientScaled stores a 64-bit number times scale, guarding the product.
func lenientScaled(scale int64, field func(*Config) *int64) setter {
	return func(c *Config, _ *key, text string) error {
		n, err := javaDecode(text, 64)
		if err != nil {
			return err
		}
		if product := n * scale; product/scale == n {
			*field(c) = product
			return nil
		}
		return fallbackError{fmt.Sprintf("'%s' is too large", text)}
	}
}

// lenientMillis stores a number of milliseconds.
func lenientMillis(field func(*Config) *time.Duration) setter {
	return func(c *Config, _ *key, text string) error {
		n, err := javaDecode(text, 64)
		if err != nil {
			return err
		}
		const most = int64(1<<63-1) / int64(millis)
		if n > most || n < -most {
			return fallbackError{fmt.Sprintf("'%s' is too large", text)}
		}
		*field(c) = time.Duration(n) * millis
		return nil
	}
}

// lenientFloat accepts a finite number within limits.
func lenientFloat(least, most float64, field func(*Config) *float64) setter {
	return func(c *Config, _ *key, text string) error {
		f, err := strconv.ParseFloat(text, 64)
		if err != nil || !(f >= least && f <= most) {
			return fallbackError{fmt.Sprintf("'%s' is not a number from %g to %g", text, least, most)}
		}
		*field(c) = f
		return nil
	}
}

// atLeast wraps a number setter: values below the floor become the floor.
func atLeast(floor int, field func(*Config) *int, inner setter) setter {
	return func(c *Config, k *key, text string) error {
		if err := inner(c, k, text); err != nil {
			return err
		}
		if *field(c) < floor {
			*field(c) = floor
			return adjustedError{fmt.Sprintf("'%s' is below the minimum, %d is used", text, floor)}
		}
		return nil
	}
}

// javaDecode reads what Integer.decode and Long.decode read.
func javaDecode(text string, bits int) (int64, error) {
	digits, sign := text, ""
	if digits != "" && (digits[0] == '-' || digits[0] == '+') {
		sign, digits = digits[:1], digits[1:]
	}
	base := 10
	switch {
	case strings.HasPrefix(digits, "0x"), strings.HasPrefix(digits, "0X"):
		base, digits = 16, digits[2:]
	case strings.HasPrefix(digits, "#"):
		base, digits = 16, digits[1:]
	case strings.HasPrefix(digits, "0") && len(digits) > 1:
		base, digits = 8, digits[1:]
	}
	n, err := strconv.ParseInt(sign+digits, base, bits)
	if err != nil || strings.HasPrefix(digits, "-") || strings.HasPrefix(digits, "+") {
		return 0, fallbackError{fmt.Sprintf("'%s' is not a number", text)}
	}
	return n, nil
}

// splitList cuts a comma list, trims, drops empty entries.
func splitList(text string) []string {
	var list []string
	for part := range strings.SplitSeq(text, ",") {
		if part = javaTrim(part); part != "" {
			list = append(list, part)
		}
	}
	return list
}

func commaList(field func(*Config) *[]string) setter {
	return func(c *Config, _ *key, text string) error {
		*field(c) = splitList(text)
		return nil
	}
}

// oneOf accepts the listed values; other texts stop the start, because a class
// that cannot be loaded here may be what guards the server.
func oneOf(values ...string) setter {
	return func(_ *Config, _ *key, text string) error {
		for _, value := range values {
			if text == value {
				return nil
			}
		}
		return fmt.Errorf("%s is not built into this server, which cannot load Java classes; use one of %s, or remove the line",
			text, strings.Join(values, ", "))
	}
}

// notTrue refuses a switch that this server cannot honour.
func notTrue(why string) setter {
	return func(_ *Config, _ *key, text string) error {
		if strings.EqualFold(text, "true") {
			return errors.New(why)
		}
		return nil
	}
}

func compression(c *Config, _ *key, text string) error {
	switch text {
	case "gz":
		c.SnapshotCompression = CompressionGzip
	case "snappy":
		c.SnapshotCompression = CompressionSnappy
	default:
		c.SnapshotCompression = CompressionNone
		if text != "" {
			return adjustedError{fmt.Sprintf("'%s' is no compression method (gz, snappy); snapshots are not compressed", text)}
		}
	}
	return nil
}

// purgeInterval accepts whole hours and the later form with a unit.
func purgeInterval(c *Config, _ *key, text string) error {
	units := []struct {
		suffix string
		unit   time.Duration
	}{
		{"ms", millis},
		{"s", time.Second},
		{"m", time.Minute},
		{"h", time.Hour},
		{"d", 24 * time.Hour},
		{"", time.Hour},
	}
	for _, u := range units {
		number, ok := strings.CutSuffix(text, u.suffix)
		if !ok {
			continue
		}
		n, err := decimal(javaTrim(number))
		if err != nil {
			return fmt.Errorf("%w of hours, or a number with ms, s, m, h or d", err)
		}
		if n > 0 && time.Duration(n) > time.Duration(1<<63-1)/u.unit {
			return fmt.Errorf("%s is too long", text)
		}
		c.AutoPurge.Interval = max(0, time.Duration(n)*u.unit)
		return nil
	}
	return nil
}
