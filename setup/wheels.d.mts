export interface Machine {
  /** As Node names them. */
  platform: string;
  arch: string;
  gpu: boolean;
  override?: string;
}

export interface WheelChoice {
  variant: 'cpu' | 'cuda';
  /** NAME==VERSION */
  wheels: string[];
  tags: string[];
  download: string;
}

export function chooseWheels(machine: Machine): WheelChoice;
export function hasNvidiaGpu(): boolean;
