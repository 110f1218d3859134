import type { ReactNode } from 'react'

function Icon({ children }: { readonly children: ReactNode }) {
  return (
    <svg
      viewBox="0 0 20 20"
      width="18"
      height="18"
      fill="none"
      stroke="currentColor"
      strokeWidth="1.6"
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden="true"
    >
      {children}
    </svg>
  )
}

export const SunIcon = () => (
  <Icon>
    <circle cx="10" cy="10" r="3.2" />
    <path d="M10 2.5v1.8M10 15.7v1.8M2.5 10h1.8M15.7 10h1.8M4.7 4.7 6 6M14 14l1.3 1.3M4.7 15.3 6 14M14 6l1.3-1.3" />
  </Icon>
)

export const MoonIcon = () => (
  <Icon>
    <path d="M16.2 11.6A6.6 6.6 0 0 1 8.4 3.8a6.6 6.6 0 1 0 7.8 7.8Z" />
  </Icon>
)

export const SystemIcon = () => (
  <Icon>
    <circle cx="10" cy="10" r="6.4" />
    <path d="M10 3.6a6.4 6.4 0 0 1 0 12.8Z" fill="currentColor" stroke="none" />
  </Icon>
)

export const SendIcon = () => (
  <Icon>
    <path d="M10 16V4.5M5 9.2l5-4.9 5 4.9" />
  </Icon>
)

export const CheckIcon = () => (
  <Icon>
    <path d="m4.5 10.4 3.6 3.7 7.4-8" />
  </Icon>
)

export const WarningIcon = () => (
  <Icon>
    <path d="M10 6.6v4.2M10 13.6v.1" />
    <circle cx="10" cy="10" r="7" />
  </Icon>
)

export const ScissorsIcon = () => (
  <Icon>
    <circle cx="5.4" cy="5.6" r="2" />
    <circle cx="5.4" cy="14.4" r="2" />
    <path d="M7.1 6.8 16.5 14M7.1 13.2 16.5 6" />
  </Icon>
)

export const NoNetworkIcon = () => (
  <Icon>
    <path d="M3 8.2a10.4 10.4 0 0 1 4-2.4M17 8.2a10.4 10.4 0 0 0-5.6-2.7M6 11.3a6 6 0 0 1 2.3-1.4M10 15v.1M3.6 3.4l12.8 13.2" />
  </Icon>
)
