package otp

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"
)

// rfcSecret is the secret of both RFCs: the ASCII digits, twice.
const rfcSecret = "12345678901234567890"

// TestHOTPVectors checks RFC 4226 appendix D.
func TestHOTPVectors(t *testing.T) {
	want := []string{
		"755224", "287082", "359152", "969429", "338314",
		"254676", "287922", "162583", "399871", "520489",
	}
	for step, code := range want {
		if got := Code([]byte(rfcSecret), int64(step)); got != code {
			t.Errorf("Code(%d) = %s, want %s", step, got, code)
		}
	}
}

// TestTOTPVectors checks the SHA-1 rows of RFC 6238 appendix B.
func TestTOTPVectors(t *testing.T) {
	tests := []struct {
		unix int64
		want string
	}{
		{59, "94287082"},
		{1111111109, "07081804"},
		{1111111111, "14050471"},
		{1234567890, "89005924"},
		{2000000000, "69279037"},
		{20000000000, "65353130"},
	}
	for _, test := range tests {
		step := Step(time.Unix(test.unix, 0))
		if got := hotp([]byte(rfcSecret), uint64(step), 8); got != test.want {
			t.Errorf("8 digits at %d = %s, want %s", test.unix, got, test.want)
		}
		if got := Code([]byte(rfcSecret), step); got != test.want[2:] {
			t.Errorf("6 digits at %d = %s, want %s", test.unix, got, test.want[2:])
		}
	}
}

func TestNewSecret(t *testing.T) {
	one, two := NewSecret(), NewSecret()
	if len(one) != SecretSize || len(two) != SecretSize {
		t.Fatalf("sizes %d and %d, want %d", len(one), len(two), SecretSize)
	}
	if bytes.Equal(one, two) {
		t.Error("two secrets are equal")
	}
}

func TestStep(t *testing.T) {
	tests := []struct {
		seconds, nanos, want int64
	}{
		{0, 0, 0}, {29, 999_999_999, 0}, {30, 0, 1}, {59, 0, 1}, {60, 0, 2},
		{-1, 0, -1}, {0, -1, -1}, {-30, 0, -1}, {-31, 0, -2}, {-60, 0, -2},
	}
	for _, test := range tests {
		at := time.Unix(test.seconds, test.nanos)
		if got := Step(at); got != test.want {
			t.Errorf("Step(%d s %d ns) = %d, want %d", test.seconds, test.nanos, got, test.want)
		}
	}
}

func TestMatchWindow(t *testing.T) {
	secret, now := []byte(rfcSecret), int64(50_000_000)
	for offset := int64(-3); offset <= 3; offset++ {
		wantStep, want := now+offset, Right
		if offset < -Skew || offset > Skew {
			wantStep, want = 0, Wrong
		}
		step, verdict := Match(secret, Code(secret, now+offset), now, 0)
		if step != wantStep || verdict != want {
			t.Errorf("offset %d: step %d, verdict %d; want %d, %d", offset, step, verdict, wantStep, want)
		}
	}
}

func TestMatchSpent(t *testing.T) {
	secret, now := []byte(rfcSecret), int64(50_000_000)
	for offset := int64(-Skew); offset <= Skew; offset++ {
		for after := now - 3; after <= now+3; after++ {
			want := Right
			if now+offset <= after {
				want = Spent
			}
			step, verdict := Match(secret, Code(secret, now+offset), now, after)
			if step != now+offset || verdict != want {
				t.Errorf("offset %d after now%+d: step %d, verdict %d; want %d, %d",
					offset, after-now, step, verdict, now+offset, want)
			}
		}
	}
}

// TestMatchTwins has a window whose first and last step share a code (found by
// trying steps in order), and sees the newest win.
func TestMatchTwins(t *testing.T) {
	const now = int64(153568)
	secret := []byte(rfcSecret)
	code := Code(secret, now+1)
	if code != Code(secret, now-1) {
		t.Fatal("the test's steps are no twins")
	}
	if step, verdict := Match(secret, code, now, 0); step != now+1 || verdict != Right {
		t.Errorf("unused: step %d, verdict %d; want %d, Right", step, verdict, now+1)
	}
	if step, verdict := Match(secret, code, now, now-1); step != now+1 || verdict != Right {
		t.Errorf("older twin spent: step %d, verdict %d; want %d, Right", step, verdict, now+1)
	}
	if _, verdict := Match(secret, code, now, now+1); verdict != Spent {
		t.Errorf("newest spent: verdict %d, want Spent", verdict)
	}
}

func TestMatchRefuses(t *testing.T) {
	long, now := []byte(rfcSecret), int64(50_000_000)
	tests := []struct {
		name   string
		secret []byte
		code   string
		now    int64
	}{
		{"nil secret", nil, Code(nil, now), now},
		{"empty secret", []byte{}, Code(nil, now), now},
		{"secret of 15 bytes", long[:15], Code(long[:15], now), now},
		{"other secret", long, Code(long[:16], now), now},
		{"empty code", long, "", now},
		{"five digits", long, Code(long, now)[:5], now},
		{"seven digits", long, Code(long, now) + "0", now},
		{"before the epoch", long, Code(long, -1), 0},
	}
	for _, test := range tests {
		step, verdict := Match(test.secret, test.code, test.now, -10)
		if step != 0 || verdict != Wrong {
			t.Errorf("%s: step %d, verdict %d; want 0, Wrong", test.name, step, verdict)
		}
	}
	if _, verdict := Match(long[:16], Code(long[:16], now), now, 0); verdict != Right {
		t.Errorf("secret of 16 bytes: verdict %d, want Right", verdict)
	}
}

func TestParseCodeAccepts(t *testing.T) {
	for _, s := range []string{
		"123456", " 123456", "123456 ", "\t 123456 \t", "123 456", "  123 456\t",
	} {
		if code, ok := ParseCode(s); !ok || code != "123456" {
			t.Errorf("ParseCode(%q) = %q, %v", s, code, ok)
		}
	}
	if code, ok := ParseCode("000000"); !ok || code != "000000" {
		t.Errorf("zeros: %q, %v", code, ok)
	}
}

func TestParseCodeRefuses(t *testing.T) {
	for _, s := range []string{
		"", " ", "12345", "1234567", "123  456", "12 3456", "1234 56", "1 23456",
		"12 34 56", "123\t456", "123-456", "123\u00a0456", "\u00a0123456", "123456\n",
		"\r123456", "+12345", "-12345", "+123456", "12345a", "0x1234", "1234.5",
		"１２３４５６", "١٢٣٤٥٦", "12345\x00", "\x00123456", "123456\ufeff", "12345é", "1e5 12",
	} {
		if code, ok := ParseCode(s); ok || code != "" {
			t.Errorf("ParseCode(%q) = %q, %v; want it refused", s, code, ok)
		}
	}
}

func FuzzParseCode(f *testing.F) {
	for _, s := range []string{"123456", " 123 456\t", "123  456", "１２３４５６", "123\u00a0456", "+12345"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		code, ok := ParseCode(s)
		if !ok {
			if code != "" {
				t.Errorf("refused, yet returned %q", code)
			}
			return
		}
		if len(code) != Digits || strings.Trim(code, "0123456789") != "" {
			t.Errorf("ParseCode(%q) = %q: not six ASCII digits", s, code)
		}
		if again, ok := ParseCode(code); !ok || again != code {
			t.Errorf("ParseCode(%q) = %q, %v: not idempotent", code, again, ok)
		}
	})
}

func ExampleMatch() {
	secret := []byte(rfcSecret)
	now := Step(time.Unix(59, 0))
	step, verdict := Match(secret, "287082", now, 0)
	fmt.Println(step, verdict == Right)
	_, verdict = Match(secret, "287082", now, step)
	fmt.Println(verdict == Spent)
	// Output:
	// 1 true
	// true
}
