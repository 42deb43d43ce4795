package config

import (
	"errors"
	"strings"
)

// Arguments is what ParseArgs found in a command line or a flags variable.
type Arguments struct {
	// Properties are the -Dname=value settings in their order.
	Properties []Property
	// Rest are the words that are no JVM flags, in their order.
	Rest []string
	// Warnings names the JVM flags that have no effect here.
	Warnings []Warning
}

// ParseArgs sorts words into -Dname=value properties, other JVM flags (-X…,
// -XX:…, -javaagent:…, -verbose:…, --add-opens and their like, each accepted
// with one warning) and the rest. origin names the source in messages, such as
// "argv" or "JVMFLAGS".
func ParseArgs(origin string, words []string) Arguments {
	var a Arguments
	where := "-D (" + origin + ")"
	for at := 0; at < len(words); at++ {
		word := words[at]
		name, isProperty := strings.CutPrefix(word, "-D")
		switch {
		case isProperty && name != "":
			key, value, _ := strings.Cut(name, "=")
			a.Properties = append(a.Properties, Property{Key: key, Value: value, Origin: where})
		case isJVMFlag(word):
			a.Warnings = append(a.Warnings, Warning{
				Kind: WarnNoEffect, Key: word, Origin: origin,
				Text: "JVM flag " + word + " has no effect in this server: it runs without a JVM",
			})
			// --add-opens and its family may take their value as the next word.
			if strings.HasPrefix(word, "--add-") && !strings.Contains(word, "=") && at+1 < len(words) {
				at++
			}
		default:
			a.Rest = append(a.Rest, word)
		}
	}
	return a
}

// ParseFlags is ParseArgs for a variable such as SERVER_JVMFLAGS, JVMFLAGS or
// KAFKA_OPTS: text is split as a shell would, with quotes and backslashes.
func ParseFlags(origin, text string) (Arguments, error) {
	words, err := SplitWords(text)
	if err != nil {
		return Arguments{}, &Error{Key: origin, Text: "cannot be split into words", Exit: ExitInvalidInvocation, Cause: err}
	}
	return ParseArgs(origin, words), nil
}

var jvmFlagPrefixes = []string{
	"-X", "-javaagent:", "-agentlib:", "-agentpath:", "-verbose", "-server", "-client", "-ea", "-da",
	"-enableassertions", "--add-opens", "--add-exports", "--add-modules", "--add-reads", "--illegal-access",
	"--enable-native-access", "-splash:",
}

func isJVMFlag(word string) bool {
	for _, prefix := range jvmFlagPrefixes {
		if strings.HasPrefix(word, prefix) {
			return true
		}
	}
	return false
}

var errUnclosedQuote = errors.New("a quote is not closed")

// SplitWords splits text at blanks the way a POSIX shell does: single quotes
// keep everything, double quotes keep blanks and honour \" and \\, and a
// backslash outside quotes keeps the next character.
func SplitWords(text string) ([]string, error) {
	var (
		words   []string
		word    strings.Builder
		started bool
		quote   byte
	)
	for at := 0; at < len(text); at++ {
		b := text[at]
		switch {
		case quote == '\'' && b != '\'':
			word.WriteByte(b)
		case quote != 0 && b == quote:
			quote = 0
		case b == '\\' && at+1 < len(text) && (quote == 0 || strings.IndexByte("\"\\$`", text[at+1]) >= 0):
			at++
			word.WriteByte(text[at])
			started = true
		case quote == '"':
			word.WriteByte(b)
		case b == '"' || b == '\'':
			quote, started = b, true
		case b == ' ' || b == '\t' || b == '\n' || b == '\r':
			if started {
				words = append(words, word.String())
				word.Reset()
				started = false
			}
		default:
			word.WriteByte(b)
			started = true
		}
	}
	if quote != 0 {
		return nil, errUnclosedQuote
	}
	if started {
		words = append(words, word.String())
	}
	return words, nil
}
