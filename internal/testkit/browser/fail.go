package browser

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
	"unicode"

	"github.com/chromedp/chromedp"
)

// shotsEnv names the folder for pictures of failures. Without it they lie in a
// folder that the test removes when it ends.
const shotsEnv = "PORTAL_TEST_SHOTS"

// fail ends the test with what a person needs to understand it.
func (p *Page) fail(step string, cause error) {
	p.t.Helper()
	// The step may have used up its time; the report has some of its own.
	ctx, cancel := context.WithTimeout(p.ctx, 10*time.Second)
	defer cancel()
	url, text := p.reading(ctx, `location.href`), p.reading(ctx, `document.documentElement.innerText`)
	p.t.Fatalf("browser: cannot %s: %v\nURL:     %s\npicture: %s\nthe page says:\n%s",
		step, cause, url, p.keepPicture(ctx, step), shorten(text))
}

func (p *Page) reading(ctx context.Context, expression string) string {
	value, err := evaluate[string](ctx, expression)
	if err != nil {
		return fmt.Sprintf("(unknown: %v)", err)
	}
	return value
}

// keepPicture saves what the window shows and returns the file, or why there
// is none.
func (p *Page) keepPicture(ctx context.Context, step string) string {
	if chromedp.FromContext(ctx) == nil || ctx.Err() != nil {
		return "(none: the page is gone)"
	}
	png, err := capture(ctx, nil)
	if err != nil {
		return fmt.Sprintf("(none: %v)", err)
	}
	folder := os.Getenv(shotsEnv)
	if folder == "" {
		folder = p.t.TempDir()
	}
	p.shots++
	file := filepath.Join(folder, fileName(fmt.Sprintf("%s-%d-%s", p.t.Name(), p.shots, step))+".png")
	if err := os.MkdirAll(folder, 0o750); err != nil {
		return fmt.Sprintf("(none: %v)", err)
	}
	if err := os.WriteFile(file, png, 0o600); err != nil {
		return fmt.Sprintf("(none: %v)", err)
	}
	return file
}

// fileName keeps letters and digits and is not too long for a file.
func fileName(text string) string {
	const enough = 120
	name := strings.Join(strings.FieldsFunc(text, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r)
	}), "-")
	if letters := []rune(name); len(letters) > enough {
		name = string(letters[:enough])
	}
	return name
}

// shorten cuts a text to what fits a message.
func shorten(text string) string {
	const enough = 600
	letters := []rune(strings.TrimSpace(text))
	if len(letters) > enough {
		return string(letters[:enough]) + " …"
	}
	return string(letters)
}
