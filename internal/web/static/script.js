// Makes some things easier. Nothing depends on it: what only a script can do is
// hidden until this runs.
'use strict'

// Buttons that copy the text of an element, or the value of a field.
for (const button of document.querySelectorAll('[data-copy]')) {
  if (!navigator.clipboard) continue
  const source = document.getElementById(button.dataset.copy)
  const label = button.textContent
  button.hidden = false
  button.addEventListener('click', async () => {
    try {
      await navigator.clipboard.writeText(source.value ?? source.innerText.trim())
      button.textContent = 'Copied'
    } catch {
      button.textContent = 'Please copy by hand'
    }
    setTimeout(() => { button.textContent = label }, 2500)
  })
}

for (const button of document.querySelectorAll('[data-print]')) {
  button.hidden = false
  button.addEventListener('click', () => window.print())
}

// A button in each password field that shows what was typed.
for (const field of document.querySelectorAll('.field > input[type=password]')) {
  const button = document.createElement('button')
  const name = document.createElement('span')
  button.type = 'button'
  button.className = 'show'
  button.setAttribute('aria-pressed', 'false')
  name.className = 'sr'
  name.textContent = ' ' + field.labels[0].textContent.toLowerCase()
  button.append('Show', name)
  button.addEventListener('click', () => {
    const shown = field.type === 'text'
    field.type = shown ? 'password' : 'text'
    button.setAttribute('aria-pressed', String(!shown))
  })
  const frame = document.createElement('span')
  frame.className = 'with-show'
  field.replaceWith(frame)
  frame.append(field, button)
  field.form.addEventListener('submit', () => { field.type = 'password' })
  if (field.autofocus) field.focus()
}

// Times in the visitor's own zone, where the page does not speak of UTC.
const local = new Intl.DateTimeFormat('en-GB', {
  day: 'numeric', month: 'short', year: 'numeric', hour: '2-digit', minute: '2-digit', timeZoneName: 'short',
})
for (const time of document.querySelectorAll('time[data-local]')) {
  time.title = time.textContent
  time.textContent = local.format(new Date(time.dateTime))
}

// The portal's clock goes on, in the visitor's own zone.
const second = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit' })
for (const time of document.querySelectorAll('time[data-clock]')) {
  const ahead = new Date(time.dateTime).getTime() - performance.now()
  const tick = () => { time.textContent = second.format(ahead + performance.now()) }
  tick()
  setInterval(tick, 1000)
}

// An open link field is selected as a whole.
for (const field of document.querySelectorAll('input[readonly]')) {
  field.addEventListener('focus', () => field.select())
}

// A form is sent once: a second click while the answer is under way would throw
// the answer away, and with it what is shown only once.
for (const form of document.querySelectorAll('form[method=post]:not([data-stays])')) {
  form.addEventListener('submit', event => {
    if (form.dataset.sent) event.preventDefault()
    form.dataset.sent = 'yes'
  })
}
addEventListener('pageshow', () => {
  for (const form of document.forms) delete form.dataset.sent
})

// Counts the characters of a new password up to as many as it needs.
for (const field of document.querySelectorAll('input[data-least]')) {
  const least = Number(field.dataset.least)
  const count = document.createElement('span')
  count.className = 'count'
  count.setAttribute('aria-hidden', 'true')
  document.getElementById(field.id + '-hint').append(' ', count)
  field.addEventListener('input', () => {
    const typed = [...field.value.normalize('NFC')].length
    count.textContent = typed === 0 ? '' : typed < least ? `${typed} of ${least}` : 'Long enough'
    count.classList.toggle('done', typed >= least)
  })
}
