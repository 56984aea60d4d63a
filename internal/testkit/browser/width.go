package browser

import (
	"context"
	"testing"
)

// tooWide names what sticks out of a window that scrolls sideways, the innermost
// first; nothing where it does not.
const tooWide = `(() => {
	const root = document.documentElement
	if (root.scrollWidth <= root.clientWidth) return []
	return [...document.body.querySelectorAll('*')]
		.filter(e => e.getBoundingClientRect().right > root.clientWidth + 1 && getComputedStyle(e).position !== 'absolute')
		.reverse().slice(0, 5)
		.map(e => e.tagName.toLowerCase() + (e.className ? '.' + e.className : '') + ' ends at ' + Math.round(e.getBoundingClientRect().right) + ' of ' + root.clientWidth)
		.concat('the page is ' + root.scrollWidth + ' wide and the window ' + root.clientWidth)
})()`

// TooWide tells what makes the page scroll sideways as it now stands; nothing
// does where all of it fits.
func (p *Page) TooWide(t testing.TB) []string {
	t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	found, err := evaluate[[]string](ctx, tooWide)
	if err != nil {
		t.Fatalf("browser: the page cannot be measured: %v", err)
	}
	return found
}
