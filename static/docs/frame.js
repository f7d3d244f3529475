// What all pages of the documentation have in common: the switch of the theme.

import { apply, setTheme, theme } from '../parts/theme.js'

const choice = document.querySelector('#theme')
choice.value = theme()
choice.addEventListener('change', () => setTheme(choice.value))
apply()
